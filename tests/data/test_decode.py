"""Image files of every kind, made here, and what is in them after decoding."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import jaxtyped
from PIL import EpsImagePlugin, Image

from tlx.data import decode as images
from tlx.errors import DataError

decode = jaxtyped(typechecker=beartype)(images.decode_image)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=2)
NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png16(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits, written chunk by chunk: [H, W] grey or [H, W, 3] RGB."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_rgb_and_grey_come_as_they_are():
    assert np.array_equal(decode(encoded(Image.fromarray(COLOUR)), "x"), COLOUR)
    grey = encoded(Image.fromarray(RAMP))
    assert np.array_equal(decode(grey, "x"), np.repeat(RAMP[..., None], 3, axis=2))
    assert np.array_equal(decode(grey, "x", 1), RAMP[..., None])


def test_the_files_own_channels():
    assert decode(encoded(Image.fromarray(RAMP)), "x", None).shape == (16, 16, 1)
    assert decode(encoded(Image.fromarray(COLOUR)), "x", None).shape == (16, 16, 3)
    assert decode(png16(RAMP.astype(np.uint16)), "x", None).shape == (16, 16, 1)


def test_colour_to_grey_is_luma():
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encoded(Image.fromarray(COLOUR)), "x", 1)[..., 0] - luma).max() <= 1


def test_a_palette_gives_its_colours():
    image = Image.fromarray(RAMP, "L").convert("P")
    image.putpalette([value for index in range(256) for value in (index, 255 - index, index // 2)])
    expected = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)
    assert np.array_equal(decode(encoded(image), "x"), expected)
    assert decode(encoded(image), "x", None).shape == (16, 16, 3)


@pytest.mark.parametrize("colour", [False, True])
def test_16_bits_are_scaled_and_not_clipped(colour):
    deep = (np.arange(256, dtype=np.uint32) * 257).astype(np.uint16).reshape(16, 16)
    deep[0, 1] += 100
    expected = RAMP
    if colour:
        deep, expected = np.repeat(deep[..., None], 3, axis=2), np.repeat(RAMP[..., None], 3, axis=2)
    found = decode(png16(deep), "x", 3 if colour else 1)
    assert np.array_equal(found if colour else found[..., 0], expected)


def test_cmyk():
    inks = {(0, 0, 0, 0): (255, 255, 255), (0, 0, 0, 255): (0, 0, 0), (0, 255, 255, 0): (255, 0, 0)}
    for ink, colour in inks.items():
        jpeg = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=95)
        assert Image.open(io.BytesIO(jpeg)).mode == "CMYK"
        assert np.abs(decode(jpeg, "x").astype(int) - colour).max() <= 3


def test_what_is_transparent_lies_over_white():
    alpha = np.zeros((16, 16), np.uint8)
    alpha[:8] = 255
    rgba = encoded(Image.fromarray(np.dstack([COLOUR, alpha])))
    found = decode(rgba, "x")
    assert np.array_equal(found[:8], COLOUR[:8]) and (found[8:] == 255).all()
    alpha[:] = 128
    half = decode(encoded(Image.fromarray(np.dstack([np.zeros_like(COLOUR), alpha]))), "x")
    assert np.abs(half.astype(int) - 127).max() <= 1


def test_a_transparent_palette_entry_lies_over_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 1)
    found = decode(encoded(image, transparency=0), "x")
    assert found[0, 0].tolist() == [40, 50, 60] and found[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [(1, lambda x: x), (3, lambda x: x[::-1, ::-1]), (6, lambda x: np.rot90(x, -1)), (8, lambda x: np.rot90(x))],
)
def test_exif_orientation(orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = np.repeat(np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40, 16, axis=0), 16, axis=1)
    jpeg = encoded(Image.fromarray(block), "JPEG", exif=exif, quality=100)
    expected = upright(block)
    found = decode(jpeg, "x", 1)[..., 0]
    assert found.shape == expected.shape and np.abs(found.astype(int) - expected).max() <= 3


def test_size_is_the_middle_of_the_short_side():
    wide = np.zeros((8, 32, 3), np.uint8)
    wide[:, 12:20] = 200
    assert (decode(encoded(Image.fromarray(wide)), "x", size=8) == 200).all()
    tall = encoded(Image.fromarray(np.repeat(COLOUR, 2, axis=0)))  # 32 x 16
    scaled = np.asarray(Image.fromarray(np.repeat(COLOUR, 2, axis=0)).resize((8, 16), Image.Resampling.BILINEAR))
    assert np.abs(decode(tall, "x", size=8).astype(int) - scaled[4:12]).max() <= 1


@pytest.mark.parametrize(("shape", "apart"), [((300, 400), 11.08), ((224, 448), 0.0)])
def test_torchvision_rounds_the_long_side_and_the_place_of_the_crop(shape, apart):
    """Resize(112) to 112x149, CenterCrop(112) at column 18; here 112x149.3 at 18.7. Where nothing is rounded, equal."""
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    height, width = shape
    long = int(112 * width / height)
    left = round((long - 112) / 2)
    theirs = np.asarray(Image.fromarray(noise).resize((long, 112), Image.Resampling.BILINEAR))[:, left : left + 112]
    found = decode(encoded(Image.fromarray(noise)), "x", size=112)
    assert np.abs(found.astype(int) - theirs).mean() == pytest.approx(apart, abs=0.01)


def test_scaling_down_takes_means():
    checks = np.indices((64, 64)).sum(0) % 2 * 200
    found = decode(encoded(Image.fromarray(checks.astype(np.uint8))), "x", 1, 8)
    assert np.abs(found.astype(int) - 100).max() <= 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The image a/b.png is empty"),
        (b"not an image at all", "The image a/b.png cannot be decoded: it is no image"),
        (encoded(Image.fromarray(NOISE))[:-500], "The image a/b.png cannot be decoded"),
        (encoded(Image.fromarray(NOISE), "JPEG")[:-500], "The image a/b.png cannot be decoded"),
        (encoded(Image.fromarray(COLOUR))[:20], "The image a/b.png cannot be decoded"),
        (encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"), "The image a/b.png has 32 bits"),
        (encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF"), "The image a/b.png has 32 bits"),
    ],
)
def test_what_is_no_image_is_named(data, message):
    with pytest.raises(DataError, match=message):
        decode(data, "a/b.png")


def test_a_kind_that_another_program_draws_is_not_tried(monkeypatch):
    drawn = encoded(Image.fromarray(COLOUR), "EPS")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("a program was called"))
    with pytest.raises(DataError, match="The image x cannot be decoded: it is no image of a kind"):
        decode(drawn, "x")


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "MPO", "PNG", "PPM", "TGA", "TIFF", "WEBP"])
def test_the_kind_is_known_by_the_bytes(kind):
    assert decode(encoded(Image.fromarray(COLOUR), kind), "x.eps").shape == (16, 16, 3)


def test_a_fifo_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png cannot be read: it is no regular file"):
        images.read_image(tmp_path / "pipe.png")


def test_a_file_is_read_and_named(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(encoded(Image.fromarray(COLOUR)))
    assert np.array_equal(images.read_image(path), COLOUR)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"one\.png is empty"):
        images.read_image(path)
    with pytest.raises(DataError, match=r"absent\.png cannot be read"):
        images.read_image(tmp_path / "absent.png")


def test_heif_is_read_by_its_extra():
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = encoded(Image.fromarray(np.full((64, 64, 3), 90, np.uint8)), "HEIF", quality=100)
    assert np.abs(decode(data, "x").astype(int) - 90).max() <= 2


def test_heif_without_its_extra_names_it(monkeypatch):
    monkeypatch.setattr(images, "_formats", lambda: ["PNG"])
    with pytest.raises(DataError, match=r"it is HEIF, which needs pillow-heif: pip install 'tlx\[heif\]'"):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "x")
