"""Which of two trees of code a board runs."""

import sys

import loader
import pytest


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A board's file system with two whole trees."""
    monkeypatch.setattr(loader, "ROOT", f"{tmp_path}/")
    for tree in "ab":
        (tmp_path / tree).mkdir()
        (tmp_path / tree / loader.WHOLE).write_text("")
    return tmp_path


def test_the_tree_that_the_file_names_is_run(root):
    loader.write("b")
    assert [loader.choose() for _ in range(3)] == ["b"] * 3
    assert (root / "tree").read_text() == "b"


def test_a_new_tree_that_never_reaches_its_server_gives_way_to_the_one_before(root):
    loader.write("b", "a", loader.START_COUNT)
    runs = [loader.choose() for _ in range(loader.START_COUNT + 2)]
    assert runs == ["b"] * loader.START_COUNT + ["a"] * 2
    assert (root / "tree").read_text() == "a"


def test_a_new_tree_that_reached_its_server_stays(root):
    loader.write("b", "a", 1)
    assert loader.choose() == "b"
    loader.keep()
    assert [loader.choose() for _ in range(9)] == ["b"] * 9


def test_a_tree_that_is_not_whole_is_not_run(root):
    loader.write("b", "a", 5)
    (root / "b" / loader.WHOLE).unlink()
    assert loader.choose() == "a" and loader.read() == ["a"]
    loader.write("b")
    assert loader.choose() == "a"
    (root / "a" / loader.WHOLE).unlink()
    assert loader.choose() == ""


@pytest.mark.parametrize("text", ["", "x y", "b a -1", "\0\0\0", "b a"])
def test_a_file_of_nonsense_leaves_a_whole_tree_to_run(root, text):
    (root / "tree").write_text(text)
    assert loader.choose() in ("a", "b")


def test_running_takes_the_modules_of_the_tree(root, monkeypatch):
    for tree in "ab":
        (root / tree / "main.py").write_text(f"import sys\nsys.ran = {tree!r}\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "main", raising=False)
    loader.write("b")
    loader.run()
    assert sys.ran == "b"
    del sys.modules["main"], sys.ran


def test_without_a_tree_it_says_what_makes_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loader, "ROOT", f"{tmp_path}/")
    loader.run()
    assert "tidegate deploy" in capsys.readouterr().out
