"""`tlx info`: what tlx runs on."""

import json

import jax

from tlx import native


def test_it_names_versions_device_and_kernels(tlx_command):
    code, out, _ = tlx_command("info", "--json")
    facts = json.loads(out)
    assert code == 0 and {"tlx", "jax", "jaxlib", "device", "data"} <= facts.keys()
    assert facts["convolutions on the CPU"] == str(native.status())
    if native.status().path == "native":
        assert native.status().level in facts["device"]


def test_it_is_a_table_without_json(tlx_command):
    code, out, _ = tlx_command("info")
    assert code == 0 and any(line.split() == ["jax", jax.__version__] for line in out.splitlines())
