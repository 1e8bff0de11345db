"""One image file as uint8, whatever its kind: palette, 16 bits, CMYK, alpha and EXIF orientation included."""

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from tlx.data.file import regular_bytes
from tlx.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Picture = UInt8[np.ndarray, "height width channels"]
FORMATS = "JPEG PNG BMP DIB GIF PPM TIFF WEBP AVIF HEIF JPEG2000 ICO PCX QOI SGI TGA".split()
IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tga .tif .tiff .webp".split()
)
HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")  # at byte 8 of a file, after "ftyp"
GREY = ("1", "L", "I", "I;16", "I;16L", "I;16B", "I;16N")


def read_image(path: Path, channels: int | None = 3, size: int | None = None) -> Picture:
    """The image of a file, as `decode_image` gives it. Raises DataError, which names the file."""
    return decode_image(image_bytes(path), str(path), channels, size)


def image_bytes(path: Path) -> bytes:
    """What is in the file of an image. Raises DataError, which names the file."""
    try:
        return regular_bytes(path)
    except (OSError, ValueError) as error:
        raise DataError(f"The image {path} cannot be read: {error}") from error


def decode_image(data: bytes, where: str, channels: int | None = 3, size: int | None = None) -> Picture:
    """The image in a file's bytes: upright, 3 channels (RGB), 1 (luma, ITU-R BT.601), or None for the file's own.

    Of 16 bits a channel the upper 8 are taken: 0..65535 is scaled to 0..255, as v // 256. What is transparent lies over
    white. CMYK is converted without a colour profile. Of several frames the first is taken.

    `size` gives size x size pixels: the short side is scaled to `size` and the middle cropped, in one bilinear step
    over the middle square (antialiased where it shrinks). torchvision's Resize(size) and CenterCrop(size) round the
    long side and the crop's place to whole pixels, which moves the image by up to half a pixel.

    The kind is known by the bytes. Kinds that Pillow hands to another program (EPS, WMF) are not tried. HEIF (.heic),
    which telephones write, needs pillow-heif: `pip install 'tlx[heif]'`.

    Raises:
        DataError: no bytes, no image, a truncated one, or 32 bits a channel, whose range nothing says; it names
            `where`.
    """
    from PIL import Image

    if not data:
        raise DataError(f"The image {where} is empty (0 bytes).")
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            return _array(_converted(image, channels, where), size)
    except DataError:
        raise
    except Exception as error:  # Pillow raises what its decoders raise, even SyntaxError
        said = _unknown(data) if isinstance(error, Image.UnidentifiedImageError) else error
        raise DataError(f"The image {where} cannot be decoded: {said}") from error


def picture(image: "Image.Image", where: str, channels: int | None = 3, size: int | None = None) -> Picture:
    """A picture of Pillow, as `decode_image` gives one of a file. Raises DataError, which names `where`."""
    try:
        return _array(_converted(image, channels, where), size)
    except DataError:
        raise
    except Exception as error:  # it is decoded now, if it was not before
        raise DataError(f"The image {where} cannot be decoded: {error}") from error


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in HEIF:
        return "it is HEIF, which needs pillow-heif: pip install 'tlx[heif]'"
    return "it is no image of a kind that is read"


def _formats() -> list[str]:
    """Those that this Pillow has: `Image.open` fails for a format that it has not."""
    from PIL import Image

    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    return [name for name in FORMATS if name in Image.OPEN]


def _converted(image: "Image.Image", channels: int | None, where: str) -> "Image.Image":
    """Upright, in mode L or RGB."""
    from PIL import ImageOps

    image.load()  # before the orientation is looked for, which may lie after the pixels
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")  # by Pillow's version
    if image.mode in ("I", "F") and not deep:
        raise DataError(f"The image {where} has 32 bits a channel (mode {image.mode}); expected 8 or 16.")
    channels = channels or (1 if image.mode in GREY else 3)
    image = ImageOps.exif_transpose(image)
    if deep:
        image = _upper(image)
    if image.has_transparency_data:
        image = _over_white(image)
    return image.convert("L" if channels == 1 else "RGB")


def _upper(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    return Image.fromarray((np.asarray(image).astype(np.int32) >> 8).astype(np.uint8))


def _over_white(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _array(image: "Image.Image", size: int | None) -> Picture:
    from PIL import Image

    if size is not None and image.size != (size, size):
        side, (width, height) = min(image.size), image.size
        left, top = (width - side) / 2, (height - side) / 2
        image = image.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array
