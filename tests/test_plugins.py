import ast
import inspect
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tlx
import tlx.data
from tlx.data import Arrays, Dataset
from tlx.errors import DataError, PluginError, UnknownName
from tlx.hooks import hookimpl
from tlx.plugins import Registry, target
from tlx.plugins.file import snake_case

STRATEGY = """
from tlx import Strategy, strategy

@strategy
class MeanShift(Strategy):
    '''Moves the mean.

    More.'''
    setting = "source-free"
    paper: str = "Doe 2020"
    weight: float = 1.0
"""
HOOKS = "from tlx.hooks import hookimpl\n"


def registering(kind, *calls):
    body = "".join(f"    register({call})\n" for call in calls)
    return f"{HOOKS}@hookimpl\ndef tlx_{kind}(register):\n{body}"


def messages(registry):
    return [str(problem) for problem in registry.check()]


def toy(name: str) -> Dataset:
    def split(first: int) -> Arrays:
        origin = np.array([f"toy/{first}", f"toy/{first + 1}"])
        return Arrays(np.zeros((2, 2, 2, 1), np.uint8), np.arange(2, dtype=np.int32), origin)

    return Dataset(name, split(0), split(2), ("a", "b"))


def one(kind, *calls):
    """A registry with one plugin that makes these register calls."""

    class Plugin:
        @hookimpl(specname=f"tlx_{kind}")
        def bring(self, register):
            for call in calls:
                register(*call)

    registry = Registry()
    registry.add(Plugin(), "mine")
    return registry


def test_a_name_as_papers_write_it_stands_for_the_one_that_is_meant():
    several = [(name, dict, "", ("y",)) for name in ("x", "z")]
    plain = [(name, dict) for name in ("resnet50", "max-pool", "maxpool")]
    registry = one("backbones", *plain, ("mmd", dict, "", ("DAN",)), *several)
    for told, name in (("ResNet-50", "resnet50"), ("dan", "mmd"), ("MMD", "mmd"), ("max-pool", "max-pool")):
        assert registry.entry("backbones", told).name == name
    for unclear in ("Max_Pool", "y", "resnet-5"):
        with pytest.raises(UnknownName):
            registry.entry("backbones", unclear)


def test_common_names_of_the_built_ins():
    registry = Registry.load()
    names = {"strategies": {"DAN": "mmd", "DANN": "dann", "deep-coral": "coral", "DIRT-T": "dirt_t"},
             "backbones": {"resnet-50": "resnet50", "LeNet": "lenet"},
             "datasets": {"SVHN": "svhn_cropped", "MNIST-M": "mnist_m"}}  # fmt: skip
    for kind, told in names.items():
        assert {name: registry.entry(kind, name).name for name in told} == told
    assert registry.get("tasks", "SVHN->MNIST").name == "svhn_cropped->mnist"
    with pytest.raises(DataError, match="'svhn_cropped' is source and target"):
        registry.get("tasks", "SVHN->svhn_cropped")


def test_lazy_strategy_is_described_without_importing_it_and_then_loaded(distribution):
    modules = {"hooks1": registering("strategies", "'ms', 'shift1:MeanShift'"), "shift1": STRATEGY}
    distribution("one", modules, {"p": "hooks1"})
    registry = Registry.load()
    (entry,) = registry.entries("strategies")
    assert (entry.name, entry.plugin, entry.summary) == ("ms", "p", "Moves the mean.")
    assert entry.facts == {"setting": "source-free", "paper": "Doe 2020"}
    assert "shift1" not in sys.modules
    assert issubclass(registry.get("strategies", "ms"), tlx.Strategy)
    assert registry.get("strategies", "ms") is registry.get("strategies", "ms")
    (facts,) = registry.plugins()
    assert facts == {
        "name": "p", "module": "hooks1", "package": "one", "version": "1.2", "hooks": ["tlx_strategies"], "problems": []
    }  # fmt: skip
    assert not registry.check()


def test_plugin_that_fails_to_import_is_named_and_the_rest_goes_on(distribution):
    good = registering("backbones", "'tiny', 'good2:tiny'") + "def tiny(shape, rngs): 'Tiny.'"
    distribution("two", {"bad2": "import no_such_module", "good2": good}, {"bad": "bad2", "good": "good2"})
    registry = Registry.load()
    assert messages(registry) == [
        "plugin 'bad': importing 'bad2' failed: ModuleNotFoundError: No module named 'no_such_module'"
    ]
    assert [entry.name for entry in registry.entries("backbones")] == ["tiny"]
    with pytest.raises(UnknownName) as error:
        registry.get("backbones", "large")
    assert any("plugin 'bad'" in note for note in error.value.__notes__)  # it may be the one that has it


def test_plugin_that_exits_does_not_end_the_program(distribution):
    distribution("exits", {"exits_hooks": "raise SystemExit(3)"}, {"exits": "exits_hooks"})
    assert messages(Registry.load()) == ["plugin 'exits': importing 'exits_hooks' failed: SystemExit: 3"]


def test_name_registered_twice_stays_with_the_first_and_both_are_named(distribution):
    modules = {
        "a3": registering("backbones", "'tiny', 'a3:first'") + "def first(shape, rngs): 'First.'",
        "b3": registering("backbones", "'tiny', 'b3:second'", "'wide', 'b3:second'") + "def second(s, r): 'Second.'",
    }
    distribution("three", modules, {"alpha": "a3", "beta": "b3"})
    registry = Registry.load()
    (message,) = messages(registry)
    assert "plugin 'beta'" in message and "'alpha'" in message and "'tiny'" in message
    found = {entry.name: entry.summary for entry in registry.entries("backbones")}
    assert found == {"tiny": "First.", "wide": "Second."}


def test_builtins_come_first(distribution):
    modules = {"z4": registering("backbones", "'n', 'z4:f'") + "def f(s, r): pass"}
    distribution("aaa", {**modules}, {"a": "z4"})
    distribution("tlx", {}, {"z": "z4"})
    assert [facts["package"] for facts in Registry.load().plugins()] == ["tlx", "aaa"]


def test_two_packages_with_a_plugin_of_one_name(distribution):
    source = registering("backbones", "'{0}', '{0}:f'") + "def f(s, r): pass"
    distribution("five", {"five_a": source.format("five_a")}, {"same": "five_a"})
    distribution("six", {"six_a": source.format("six_a")}, {"same": "six_a"})
    registry = Registry.load()
    (message,) = messages(registry)
    assert "'five' and 'six'" in message
    assert [entry.name for entry in registry.entries("backbones")] == ["five_a"]


def test_tlx_plugins_picks(distribution):
    source = registering("backbones")
    distribution("seven", {"s7": source + "    pass", "t7": source + "    pass"}, {"left": "s7", "right": "t7"})
    names = [facts["name"] for facts in Registry.load(environ={"TLX_PLUGINS": " right "}).plugins()]
    assert names == ["right"]
    assert Registry.load(environ={"TLX_PLUGINS": ""}).plugins() == []
    assert {"left", "right"} <= {facts["name"] for facts in Registry.load(environ={}).plugins()}
    with pytest.raises(UnknownName, match="'rihgt'. Did you mean right"):
        Registry.load(environ={"TLX_PLUGINS": "left,rihgt"})


@pytest.mark.parametrize(("value", "traced"), [("1", True), ("0", False), ("", False)])
def test_tlx_trace_prints_each_hook_call(distribution, capsys, value, traced):
    distribution("eight", {"h8": registering("backbones", "'n', 'h8:f'") + "def f(s, r): pass"}, {"p8": "h8"})
    registry = Registry.load(environ={"TLX_PLUGINS": "p8", "TLX_TRACE": value})
    assert [entry.name for entry in registry.entries("backbones")] == ["n"]
    assert ("tlx trace: p8: tlx_backbones(register=register)" in capsys.readouterr().err) is traced


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        ("strategies", "tlx.errors:Mising", "has no 'Mising'"),
        ("strategies", "tlx.errors:UnknownNam", "Did you mean UnknownName?"),
        ("strategies", "tlx.no_such:Name", "there is no module 'tlx.no_such'"),
        ("strategies", "tlx.errors.deeper:Name", "there is no module 'tlx.errors.deeper'"),
        ("strategies", "tlx.errors", 'expected "module:Name"'),
        ("strategies", 3, "got 3; expected a subclass of tlx.Strategy"),
        ("strategies", dict, "got <class 'dict'>; expected a subclass of tlx.Strategy"),
        ("strategies", tlx.Strategy, "marked @tlx.strategy"),
        ("backbones", 3, "expected a class or function called as (in_shape, rngs)"),
        ("datasets", None, "expected a function without arguments"),
        ("suites", dict, "expected a tlx.Suite"),
        ("selectors", dict, "expected a subclass or an instance of tlx.Selector"),
        ("scores", dict, "expected a subclass or an instance of tlx.Transferability"),
        ("recipes", {}, "expected a tlx.Recipe"),
        ("protocols", {}, "expected a tlx.Protocol"),
    ],
)
def test_wrong_target_is_named_with_its_plugin(kind, target, told):
    registry = one(kind, ("thing", target), ("good", "tlx.errors:TlxError"))
    (message,) = messages(registry)
    assert message.startswith("plugin 'mine': ") and "'thing'" in message and told in message
    assert [entry.name for entry in registry.entries(kind)] == ["good"]
    with pytest.raises(PluginError, match="plugin 'mine'"):
        registry.get(kind, "thing")


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        ("strategies", "tlx.errors:TlxError", "expected a subclass of tlx.Strategy"),
        ("selectors", "tlx.errors:TlxError", "expected a subclass or an instance of tlx.Selector"),
        ("recipes", "tlx.errors:nearest", "expected a tlx.Recipe"),
        ("datasets", "builtins:dict", "it returned {}; expected a tlx.Dataset"),
    ],
)
def test_wrong_class_is_named_when_loaded(kind, target, told):
    registry = one(kind, ("thing", target))
    assert not registry.check()  # known only by importing it
    with pytest.raises(PluginError) as error:
        registry.get(kind, "thing")
    assert "plugin 'mine'" in str(error.value) and told in str(error.value)


def test_target_whose_module_fails_is_named_when_loaded(distribution):
    modules = {"h9": registering("strategies", "'x', 'fails9:X'", "'y', 'torn9:Y'")}
    distribution("nine", modules | {"fails9": "class X: pass\n1 / 0", "torn9": "x = 1\nclass Y(:"}, {"p9": "h9"})
    registry = Registry.load()
    (message,) = messages(registry)
    assert "'y'" in message and "torn9.py, line 2" in message
    with pytest.raises(PluginError, match=r"plugin 'p9', strategy 'x': importing 'fails9' failed: ZeroDivisionError"):
        registry.get("strategies", "x")


@pytest.mark.parametrize("name", ["", "a b", "a/b", None, "../x"])
def test_bad_name_is_refused(name):
    registry = one("backbones", (name, dict))
    assert repr(name) in messages(registry)[0] and not registry.entries("backbones")


def test_hook_that_raises_keeps_what_it_registered_before(distribution):
    source = registering("backbones", "'n', 'h10:f'", "'m', *1") + "def f(s, r): pass"
    distribution("ten", {"h10": source}, {"p10": "h10"})
    registry = Registry.load()
    assert "plugin 'p10': tlx_backbones failed: TypeError" in messages(registry)[0]
    assert [entry.name for entry in registry.entries("backbones")] == ["n"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@hookimpl\ndef tlx_strategy(register): pass", "there is no hook 'tlx_strategy'. Did you mean tlx_strategies"),
        ("@hookimpl\ndef tlx_strategies(registrar): pass", "registrar"),
        ("def tlx_strategies(register): pass", "it implements no hook"),
    ],
)
def test_wrong_hook_is_named(distribution, source, told):
    distribution("eleven", {"h11": HOOKS + source}, {"p11": "h11"})
    message, *_ = messages(Registry.load())
    assert message.startswith("plugin 'p11': ") and told in message
    del sys.modules["h11"]


def test_task_names_are_normalised():
    task = tlx.Task(("a", "b"), ("c",), tlx.Protocol("p", "", 28, 1), "from two")
    registry = one("tasks", ("a+b:c", task))
    assert registry.get("tasks", " a + b : c ") is task
    assert registry.entry("tasks", "a+b->c").summary == "from two"
    with pytest.raises(UnknownName, match=r"Unknown task 'a\+b->d'. Did you mean a\+b->c"):
        registry.get("tasks", "a+b:d")
    with pytest.raises(UnknownName, match="Unknown task 'abc'"):
        registry.get("tasks", "abc")


def test_selector_class_is_instantiated():
    class Mine(tlx.Selector):
        """The best."""

    registry = one("selectors", ("a", Mine), ("b", Mine()))
    assert isinstance(registry.get("selectors", "a"), Mine) and isinstance(registry.get("selectors", "b"), Mine)
    assert registry.entry("selectors", "a").summary == "The best."


def test_unknown_kind_has_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean strategies"):
        Registry().entries("strategy")


def test_unknown_observer_has_the_nearest():
    with pytest.raises(AttributeError, match="tlx_run_started"):
        Registry().hook.tlx_run_start(spec=None)


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("'''Module.\n\nMore.'''\nX = 1", "X", ("Module.", {})),
        ("class X:\n    '''\n    Class.\n    '''", "X", ("Class.", {})),
        ("def X():\n    'Function.'", "X", ("Function.", {})),
        ("try:\n    import y\nexcept ImportError:\n    class X(Strategy):\n        'In.'", "X",
         ("In.", {"setting": "unsupervised"})),
        ("class X(tlx.Strategy):\n    paper = ('A '\n        'B')\n    setting = f'{1}'", "X",
         ("", {"paper": "A B", "setting": "unsupervised"})),
        ("class X(Other): pass", "X", ("", {})),
        ("class Y(Strategy):\n    setting = 'test-time'\nclass X(Y):\n    paper = 'Doe'", "X",
         ("", {"setting": "test-time", "paper": "Doe"})),
        ("from tlx import Additive as A\nclass X(A): pass", "X",
         ("", {"setting": "unsupervised"})),
        ("from tlx_strategies import tent\nclass X(tlx_strategies.tent.TENT): paper = 'mine'", "X",
         ("", {"setting": "test-time", "paper": "mine"})),
        ("from .other import Y\nclass X(Y): pass", "X", ("", {})),
        ("class X(Strategy):\n    def f(self):\n        paper = 'of a method'\n    setting = 'bound'", "X",
         ("", {"setting": "bound"})),
        ("class X(Strategy):\n    'Of two (1, 2): names.'\n\n    setting: str = 'bound'\n    paper = \"It's\"\n"
         "class Y(Strategy): paper = 'of another'", "X",
         ("Of two (1, 2): names.", {"setting": "bound", "paper": "It's"})),
        ("def X(\n    a: int = (1, 2),\n) -> dict[str, int]:\n    r"
         '"""Made.\n\n    More."""', "X", ("Made.", {})),
        ("def X(): return 1\ndef y():\n    'Of another.'", "X", ("", {})),
        ("class X(X): pass", "X", ("", {})),
        ("from z import *", "X", ("", {})),
        ("def __getattr__(name): pass", "X", ("", {})),
        ("a, (X, b) = 1, (2, 3)", "X", ("", {})),
    ],
)  # fmt: skip
def test_describe(tmp_path, monkeypatch, source, name, expected):
    module = f"described_{abs(hash(source))}"
    (tmp_path / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert target.describe(f"{module}:{name}") == expected
    assert module not in sys.modules


def test_the_text_of_the_built_ins_says_what_their_classes_say():
    registry = Registry.load(environ={"TLX_PLUGINS": "strategies"})
    for entry in registry.entries("strategies"):
        kind = registry.get("strategies", entry.name)
        assert (entry.summary, entry.facts) == target.describe_object(kind) and entry.summary, entry.name


def write(tmp_path, source, name="mine.py"):
    path = tmp_path / name
    path.write_text(textwrap.dedent(source))
    return path


def test_file_without_hooks_gives_its_strategies_in_snake_case(tmp_path):
    path = write(tmp_path, STRATEGY + "\nclass Helper: pass\n")
    registry = Registry.load([path], {"TLX_PLUGINS": ""})
    (entry,) = registry.entries("strategies")
    assert (entry.name, entry.plugin, entry.summary) == ("mean_shift", str(path), "Moves the mean.")
    assert entry.facts == {"setting": "source-free", "paper": "Doe 2020"}
    assert registry.get("strategies", "mean_shift")().weight == 1.0


def test_file_of_ten_lines(tmp_path):
    path = write(tmp_path, """\
        import optax
        from tlx import Strategy, strategy

        @strategy
        class Plain(Strategy):
            "Learns the source only."
            def loss(self, model, state, batch, context):
                features, state = model.features(state, batch.source.x)
                logits, state = model.classify(state, features)
                return optax.softmax_cross_entropy_with_integer_labels(logits, batch.source.y).mean(), state, {}
        """)  # fmt: skip
    assert len(path.read_text().splitlines()) == 10
    assert Registry.load([path], {"TLX_PLUGINS": ""}).get("strategies", "plain")


def test_file_with_hooks_is_a_plugin(tmp_path):
    path = write(tmp_path, registering("backbones", "'tiny', tiny") + "def tiny(shape, rngs): 'Tiny.'")
    registry = Registry.load([path], {"TLX_PLUGINS": ""})
    assert registry.entry("backbones", "tiny").summary == "Tiny."


def test_files_of_one_name_do_not_meet_and_are_read_anew(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [write(tmp_path, STRATEGY, "a/m.py"), write(tmp_path, STRATEGY.replace("MeanShift", "Other"), "b/m.py")]
    registry = Registry.load(paths, {"TLX_PLUGINS": ""})
    assert [entry.name for entry in registry.entries("strategies")] == ["mean_shift", "other"]
    write(tmp_path, STRATEGY.replace("MeanShift", "Later"), "b/m.py")
    registry = Registry.load(paths, {"TLX_PLUGINS": ""})
    assert [entry.name for entry in registry.entries("strategies")] == ["later", "mean_shift"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1\nclass :", "mine.py, line 2: "),
        ("x = 1\n\nimport no_such_module", "mine.py, line 3: ModuleNotFoundError"),
        ("def f():\n    return 1 / 0\n\nf()", "mine.py, line 2: ZeroDivisionError"),
        ("raise SystemExit(3)", "mine.py, line 1: SystemExit: 3"),
        ("x = 1", "mine.py, line 1: it has no hook and no strategy"),
        ("from tlx import Strategy\n\nclass X(Strategy): pass", "mine.py, line 3: class X is not marked @tlx.strategy"),
    ],
)
def test_bad_file_is_refused_with_its_line(tmp_path, source, told):
    path = write(tmp_path, source)
    with pytest.raises(PluginError) as error:
        Registry.load([path], {"TLX_PLUGINS": ""})
    assert told in str(error.value)


@pytest.mark.parametrize(("name", "told"), [("none.py", "does not exist"), ("folder", "is not a .py file")])
def test_bad_path_is_refused(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    with pytest.raises(PluginError, match=told):
        Registry.load([tmp_path / name], {"TLX_PLUGINS": ""})


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MeanShift", "mean_shift"), ("DANN", "dann"), ("KLGaussian", "kl_gaussian"), ("Mmd2", "mmd2"), ("X", "x")],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_public_names_are_there_and_import_no_jax_by_themselves():
    code = "import sys, tlx; assert 'jax' not in sys.modules and 'numpy' not in sys.modules; tlx.PluginError; "
    code += "assert 'jax' not in sys.modules; print(*[getattr(tlx, name) for name in tlx._HOME])"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ, capture_output=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tlx.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_public_names_are_those_of_contract_and_errors():
    import tlx.contract
    import tlx.errors

    for module in (tlx.contract, tlx.errors):
        nodes = ast.parse(inspect.getsource(module)).body
        defined = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        defined |= {ast.unparse(node.targets[0]) for node in nodes if isinstance(node, ast.Assign)}
        public = {name for name in defined if not name.startswith("_")} - {"R", "S", "T", "register"}
        assert public == {name for name, home in tlx._HOME.items() if home == module.__name__}


@pytest.mark.parametrize("facade", [tlx, tlx.data])
def test_type_checkers_see_the_same_names(facade):
    tree = ast.parse(inspect.getsource(facade))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == facade._HOME
    assert set(dir(facade)) >= seen.keys()


def test_names_of_data_are_there():
    named = [name for name in tlx.data._HOME if not name.isupper() and name != "Input"]
    assert all(getattr(tlx.data, name).__name__ == name for name in named)
    with pytest.raises(AttributeError, match="module 'tlx.data' has no attribute 'nothing'"):
        _ = tlx.data.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_a_prefix_stands_for_all_names_that_begin_with_it():
    registry = one("datasets", ("lab:", lambda rest: toy(f"lab:{rest}")), ("other", lambda: toy("other")))
    assert [entry.name for entry in registry.entries("datasets")] == ["lab:", "other"] and not registry.check()
    found = registry.entry("datasets", "lab:a/b:c")
    assert (found.name, found.rest, found.plugin, found.is_prefix) == ("lab:a/b:c", "a/b:c", "mine", False)
    assert registry.get("datasets", "lab:a/b:c").name == "lab:a/b:c"
    assert registry.get("datasets", "lab:x") is registry.get("datasets", "lab:x")
    with pytest.raises(DataError, match="The dataset name 'lab:' is a prefix; expected more after it"):
        registry.get("datasets", "lab:")
    with pytest.raises(UnknownName, match="Unknown dataset 'lob:x'. Did you mean lab:"):
        registry.get("datasets", "lob:x")


def test_a_prefix_may_give_what_gives_the_dataset():
    assert one("datasets", ("lab:", lambda rest: lambda: toy(rest))).get("datasets", "lab:x").name == "x"
    with pytest.raises(PluginError, match="dataset 'lab:x': it returned 3; expected a tlx.Dataset"):
        one("datasets", ("lab:", lambda rest: 3)).get("datasets", "lab:x")


@pytest.mark.parametrize(("kind", "name"), [("datasets", "a b:"), ("datasets", ":"), ("strategies", "lab:")])
def test_what_is_no_prefix_is_refused(kind, name):
    (problem,) = one(kind, (name, "tlx.errors:nearest")).check()
    assert "expected a name of letters, digits" in problem.message


@pytest.mark.parametrize("error", ["SystemExit(3)", "GeneratorExit()", "BaseException('x')"])
def test_a_plugin_that_would_end_the_program_is_named(distribution, tmp_path, error):
    """In its module, in a hook, in a file, and in the module of a target."""
    hook = "from tlx import hookimpl\n@hookimpl\ndef tlx_{}(register):\n    {}\n"
    modules = {
        "ends_at_import": f"raise {error}",
        "ends_in_hook": hook.format("strategies", f"raise {error}"),
        "ends_later": hook.format("backbones", "register('late', 'ends_target:Net')"),
        "ends_target": f"Net = None\nraise {error}",
    }
    points = {"one": "ends_at_import", "two": "ends_in_hook", "three": "ends_later"}
    distribution("ends", modules, points)
    registry = Registry.load(environ={"TLX_PLUGINS": "one,two,three"})
    assert registry.entries("strategies") == [] and len(registry.entries("backbones")) == 1
    told = " ".join(map(str, registry.problems))
    name = error.partition("(")[0]
    assert f"importing 'ends_at_import' failed: {name}" in told and f"tlx_strategies failed: {name}" in told
    with pytest.raises(PluginError, match=f"importing 'ends_target' failed: {name}"):
        registry.get("backbones", "late")
    (tmp_path / "ends.py").write_text(f"raise {error}")
    with pytest.raises(PluginError, match=f"line 1: {name}"):
        Registry.load([tmp_path / "ends.py"], {"TLX_PLUGINS": ""})
