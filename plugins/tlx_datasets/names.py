"""The names of domains that datasets come in. They are here so that tasks are listed without what reads the images."""

ANGLES = (0, 15, 30, 45, 60, 75)
"""Of RotatedMNIST, in degrees."""

AGREEMENTS = {"90": 0.9, "80": 0.8, "-90": 0.1}
"""Of coloured MNIST: how often the colour agrees with the label in each domain."""

OFFICE_DOMAINS = ("amazon", "caltech", "dslr", "webcam")
"""Of Office-Caltech-10."""

PUBLISHED = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    *("speckle_noise", "gaussian_blur", "spatter", "saturate"),
)
"""The corruptions of CIFAR-10-C: the fifteen of the paper's mean error, then the four extra ones."""

MADE = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "defocus_blur", "gaussian_blur"),
    *("brightness", "contrast", "saturate", "jpeg_compression", "pixelate"),
)
"""The corruptions that `tlx_datasets.corruptions` makes."""
