// Runs a Python file on MicroPython's WebAssembly build: FOLDER FIRMWARE HEAP_BYTES FILE [MORE..].
// FOLDER holds the build, FIRMWARE the modules of the device; what lies beside FILE can be
// imported too, and so can MORE. The file's sections, which lines of `# ---` part, run one after the
// other, and one that leaves `again` true once more: what the collector may free is only certain
// between two runs.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, firmware, heapBytes, file, ...more] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(join(folder, "micropython.mjs")));
const micropython = await loadMicroPython({
    heapsize: Number(heapBytes), stdout: (line) => console.log(line),
});

function copy(from, to) {
    micropython.FS.mkdirTree(to);
    for (const name of readdirSync(from)) {
        const path = join(from, name);
        if (statSync(path).isDirectory()) {
            copy(path, `${to}/${name}`);
        } else if (/\.m?py$/.test(name)) {
            micropython.FS.writeFile(`${to}/${name}`, readFileSync(path));
        }
    }
}

copy(join(firmware, "tidegate"), "/modules/tidegate");
copy(dirname(file), "/modules");
for (const path of more) {
    micropython.FS.writeFile(`/modules/${basename(path)}`, readFileSync(path));
}
try {
    for (const section of readFileSync(file, "utf8").split(/^# ---$/m)) {
        do {
            micropython.runPython(section);
        } while (micropython.globals.get("again"));
    }
} catch (error) {
    // Left to node, it would print the whole build as the line that failed.
    console.log(error.message);
    process.exitCode = 1;
}
