"""Augmentation on the device: pure functions `(key, images, ...) -> images` of a whole batch, vmappable.

Images are floats [N, H, W, C] in [0, 1], black to white, before a protocol's normalisation; `Model.augment` undoes the
normalisation, applies the recipe's policy and normalises again. Every image has a draw of its own. Shape and dtype are
kept; the range too, but for `noise` and `intensity`, which do not clip. A policy is a text such as "crop(4) + flip"
(`tlx.augment.policy`). Importing this package imports no JAX.

    warp        bilinear resampling under an affine map per image
    geometry    crop, flip, rotate, shear, translate, scale, affine
    tone        deterministic changes of colour and tone, with a strength per image
    color       color_jitter, grayscale
    noise       noise, blur, cutout, intensity
    randaugment RandAugment with FixMatch's operations
"""
