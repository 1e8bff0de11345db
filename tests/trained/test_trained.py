"""A loaded model predicts as its run was scored."""

import numpy as np
import pytest
from PIL import Image

import tlx
from tlx.data import from_arrays, read_image
from tlx.data.resize import fit
from tlx.errors import DataError, SettingError

SPREAD = [  # what carries more than backbone and classifier, what predicts in its own way, and what does neither
    ("source_only", 4), ("shot", 4), ("mcd", 0), ("mean_teacher", 0), ("dann+mcc", 4), ("cdan", 0), ("adabn", 0),
    ("lora", 0), ("co_da", 0), ("mme", 0), ("feature_extraction", 0), ("vada", 0), ("delta", 4),
]  # fmt: skip


def accuracy(model, rows):
    names = np.asarray(model.class_names)[rows.y]
    return float((model.predict(rows.x) == names).mean())


def test_each_seed_scores_what_its_result_says(real_lab, saved, test_rows):
    result, folder = saved
    scores = result.selections["source-val"].scores
    for seed, score in zip((0, 3), scores, strict=True):
        model = real_lab.load(folder, seed)
        assert accuracy(model, test_rows) == score.accuracy
        assert (model.about.seed, model.about.selection, model.about.step) == (seed, "source-val", score.step)
    first = real_lab.load(folder)
    assert first.about.seed == 0 and first.class_names == ("left", "middle", "right") and first.note == ""
    assert repr(first) == "Trained(bars->dim kl, seed 0, source-val)"
    assert first.about.spec == result.spec and first.about.data_hash == result.data_hash


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "bottleneck"), SPREAD)
def test_every_kind_of_strategy_scores_what_its_result_says(
    real_lab, train, test_rows, strategy, bottleneck, tmp_path, run_alone
):
    pytest.importorskip("flatbuffers")
    result, folder = train(strategy, bottleneck=bottleneck)
    model = real_lab.load(folder, 3)
    assert accuracy(model, test_rows) == result.accuracy("last")[1]
    out, _ = run_alone(model.export(tmp_path / "program"), test_rows.x)
    np.testing.assert_allclose(out["probabilities"], model.predict_proba(test_rows.x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["tent", "bn_adapt", "lame", "cotta", "eata"])
def test_a_test_time_method_stands_as_its_stream_left_it_and_says_so(real_lab, train, test_rows, strategy):
    _, folder = train(strategy, bottleneck=0)
    model = real_lab.load(folder)
    assert f"'{strategy}' adapts at test time" in model.note and model.about.phase == "test"
    assert np.array_equal(model.predict(test_rows.x), model.predict(test_rows.x))
    assert len(model.predict(test_rows.x[:3])) == 3


def test_probabilities_features_and_batches_agree(real_lab, saved, test_rows):
    model = real_lab.load(saved[1])
    probabilities, features = model.predict_proba(test_rows.x), model.features(test_rows.x)
    assert probabilities.shape == (21, 3) and features.shape == (21, model.spec.backbone((8, 8, 1), _rngs()).width)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    for rows in (slice(0, 1), slice(2, 5)):
        np.testing.assert_allclose(model.predict_proba(test_rows.x[rows]), probabilities[rows], atol=1e-6)
    names = np.asarray(model.class_names)[probabilities.argmax(1)]
    assert np.array_equal(model.predict(test_rows.x), names)


def _rngs():
    from flax import nnx

    return nnx.Rngs(0)


def test_images_come_as_arrays_of_any_size_files_and_pictures(real_lab, saved, test_rows, tmp_path):
    model, x = real_lab.load(saved[1]), test_rows.x
    expected = model.predict_proba(x)
    files = [tmp_path / f"{row:02}.png" for row in range(len(x))]
    for image, file in zip(x, files, strict=True):
        Image.fromarray(image[..., 0]).save(file)

    def same(given, atol=1e-6):
        np.testing.assert_allclose(model.predict_proba(given), expected, atol=atol)

    same(x[..., 0])
    same(np.repeat(x, 3, 3))
    same(files)
    same([str(file) for file in files])
    same([Image.open(file) for file in files])
    same(np.array(list(map(str, files))))
    same(list(x))
    large = x.repeat(3, 1).repeat(3, 2)
    np.testing.assert_array_equal(model.predict_proba(large), model.predict_proba(fit(large, 8, 1)))
    Image.fromarray(np.tile(x[0, ..., 0], (1, 3))).save(wide := tmp_path / "wide.png")
    cropped = read_image(wide, 3, 8)[None]
    np.testing.assert_array_equal(model.predict_proba(wide), model.predict_proba(cropped))
    assert model.predict(files[4])[0] == model.predict(x[4:5])[0] == model.predict(Image.open(files[4]))[0]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 8, 8, 1)), r"images are float64 \(2, 8, 8, 1\); expected uint8.*0 to 1: \(x \* 255\)"),
        (np.zeros((2, 8, 8, 4), np.uint8), "x has 4 channels; expected 1 .grey. or 3"),
        (np.zeros((8, 8, 3), np.uint8), r"looks like one image: x\[None\]"),
        (np.zeros((0, 8, 8, 1), np.uint8), "no row to predict"),
        (np.zeros((2, 0, 8, 1), np.uint8), "without a pixel"),
        ([], "no row to predict|expected uint8"),
        (3, r"images are int64 \(\)"),
        ([np.zeros((8, 8))], "An image is float64"),
    ],
)
def test_what_is_no_image_is_refused(real_lab, saved, x, message):
    with pytest.raises(DataError, match=message):
        real_lab.load(saved[1]).predict(x)


def test_files_that_cannot_be_read_are_named_together(real_lab, saved, test_rows, tmp_path):
    model = real_lab.load(saved[1])
    good, cut, none = (tmp_path / name for name in ("good.png", "cut.png", "none.png"))
    Image.fromarray(test_rows.x[0, ..., 0]).save(good)
    cut.write_bytes(good.read_bytes()[:40])
    with pytest.raises(DataError, match=r"^2 images cannot be read.*cut\.png.*none\.png"):
        model.predict([good, cut, none])
    wrong: dict[int, str] = {}
    out = model.outputs([good, cut, none], wrong)
    assert list(wrong) == [1, 2] and np.isnan(out.logits).all(1).tolist() == [False, True, True]
    np.testing.assert_allclose(out.logits[0], model.outputs(test_rows.x[:1]).logits[0], atol=1e-6)


@pytest.mark.slow
def test_vectors_and_real_targets(real_lab, tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(5, 3, (60, 4)).astype(np.float32)
    y = x[:, :2] * 2
    lab = tlx.Lab(
        datasets=[from_arrays(name, (x + move, y)) for name, move in (("one", 0), ("two", 1))], progress=False
    )
    result = lab.run("one->two", "source_only", backbone="mlp", seeds=1, steps=8, save=tmp_path)
    assert result.finished, result.traceback
    model = lab.load(tmp_path)
    test = lab.registry.get("datasets", "two").test
    out = model.predict(test.x)
    parts = [1 - np.mean((test.y[:, k] - out[:, k]) ** 2) / np.var(test.y[:, k]) for k in range(2)]
    assert np.mean(parts) == pytest.approx(result.accuracy("last")[0], rel=1e-4) and model.class_names == ()
    with pytest.raises(SettingError, match="real numbers"):
        model.predict_proba(test.x)
    with pytest.raises(
        DataError, match=r"x is float32 \(12, 3\); the model takes rows of kind vector, float32 \[rows, 4\]"
    ):
        model.predict(test.x[:, :3])
    with pytest.raises(DataError, match="1 values of x are not finite"):
        model.predict(np.where(np.arange(4) == test.x[:1] * 0, np.nan, test.x[:1]).astype(np.float32))
