"""What a technician types on the serial line, and what is answered."""
