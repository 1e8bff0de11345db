"""The protocols under which the field's numbers were measured, each with a name. Scores under two do not compare.

What all of them share: the target's train rows are seen without labels, validation is on source rows, the score is over
target rows, and no original image that is scored is among the sources' train rows. Where a paper's exact rows are not
known (its draw was not published, or is of files in another order), the docstring says what stands for them.
"""

from dataclasses import replace

from tlx import Draw, LabelSpace, Protocol
from tlx.data import LongTail, Pareto, Tweaked

P_FULL_OFF = Protocol(
    id="P-full-off",
    summary="all rows, official splits, each image at the size of the largest domain; scored on target test",
    size=None,
    channels=None,
    shared_origins=True,
)
"""All rows of the official splits: MNIST 60,000/10,000, USPS 7,291/2,007 of 16x16 pixels, SVHN 73,257/26,032.

Of CDAN, TLLib, skada, and the repositories of ADDA and CyCADA. Images are at the size and number of channels of the
task's largest domain: MNIST and USPS at 28x28 grey (LeNet), with SVHN at 32x32 RGB (DTN). x is scaled to -1..1 (TLLib:
mean and std 0.5; ADDA and CyCADA leave 0..1). MNIST -> MNIST-M shows the same digits in both domains, as the published
numbers do, but none of the test's. The protocol of a task that names no other.
"""

P_32 = replace(
    P_FULL_OFF,
    id="P-32",
    summary="P-full-off with every image at 32x32 RGB",
    size=32,
    channels=3,
)
"""P-full-off at 32x32 RGB, whatever the task. Of VADA and DIRT-T, on digits."""

P_SV_BAL = replace(
    P_FULL_OFF,
    id="P-sv-bal",
    summary="P-full-off with SVHN's train rows class-balanced",
    draws=(Draw("svhn_cropped", "balanced"),),
)
"""P-full-off, but for SVHN's train rows: as many of each class as the rarest has (4,659), 46,590 in all.

Of CDAN and TLLib (svhn_balanced.txt) and of CyCADA (svhn_bal). Worth about four points on SVHN -> MNIST. The published
lists are not to be had any more: the rows here are drawn by the hash of their origin.
"""

P_2000 = Protocol(
    id="P-2000",
    summary="2,000 random MNIST and 1,800 random USPS train rows, 28x28 grey; scored on target test; draw 0",
    size=28,
    channels=1,
    draws=(Draw("mnist", "random", 2000), Draw("usps", "random", 1800)),
    shared_origins=True,
)
"""2,000 train rows of MNIST and 1,800 of USPS at random, 28x28 grey; the score is over the whole target test split.

Of ADDA, CoGAN, domain confusion, and MCD without `--all_use`. The papers give the mean over five draws or more:
P-2000.1 to P-2000.4 are four others. Some papers score the target's drawn rows instead.
"""

P_2000_DRAWS = tuple(
    replace(P_2000, id=f"P-2000.{seed}", summary=P_2000.summary.replace("draw 0", f"draw {seed}"), seed=seed)
    for seed in range(1, 5)
)

P_DAGE = Protocol(
    id="P-DAGE",
    summary="all MNIST rows at 16x16; the first USPS train rows of each class labelled; scored on USPS train",
    size=16,
    channels=1,
    mean=0.0,
    std=1.0,
    editions=(("mnist", "mnist_16x16"), ("usps", "usps_as_filed")),
    scored="train",
    shared_origins=True,
    first_shots=True,
)
"""What the code of the runs of DAGE's repository did in April 2020 (CCSA, d-SNE and DAGE on MNIST -> USPS).

The paper says 200 source rows of each class, labelled rows drawn anew for each seed, and a score on USPS's test split.
The code of that month (`utils/dataset_gen.py`) takes all 60,000 source rows, labels the first n rows of each class in
USPS's train file whatever the seed, reads the train file once more as the test split, and stops and selects by its
unlabelled rows. So does this protocol, for the figures' sake: they are those of a target that was trained and selected
on. x is left in 0..1.
"""

P_ADDA = Protocol(
    id="P-ADDA",
    summary="all rows, official splits, 28x28 grey; scored on target train",
    size=28,
    channels=1,
    scored="train",
    shared_origins=True,
)
"""All rows at 28x28 grey, and the score over the target's train rows, which were adapted to without labels.

Of ADDA's SVHN -> MNIST: its script evaluates on `mnist train`. Source rows of the scored originals are left out.
"""

P_FULL_PKL = replace(
    P_FULL_OFF,
    id="P-full-pkl",
    summary="P-full-off with USPS of 7,438/1,860 rows, as in usps_28x28.pkl",
    editions=(("usps", "usps_28x28"),),
)
"""P-full-off with CoGAN's file of USPS, `usps_28x28.pkl`: 7,438 train and 1,860 test rows of 28x28 pixels.

Of CoGAN, SHOT, WDGRL, and MCD (6,562 rows with `--all_use yes`). The file is a pickle on no stable host, and tlx reads
no pickle: the dataset `usps_28x28` has the same digits in the same numbers, drawn by the hash of their origin.
"""

P_55K = replace(
    P_FULL_OFF,
    id="P-55k",
    summary="P-full-off with 55,000 of MNIST's train rows",
    draws=(Draw("mnist", "first", 55_000),),
)
"""P-full-off with 55,000 of MNIST's 60,000 train rows: TensorFlow's old reader set 5,000 aside for validation.

Of MCD's `mnist_data.mat`, DANN's notebook and some forks of ADDA. tlx keeps rows in the order of their hash, so the
5,000 that are left out are others than the reader's.
"""

P_D5 = Protocol(
    id="P-D5",
    summary="Digit-Five, 32x32 RGB, USPS of 29,752/1,860 rows",
    size=32,
    channels=3,
    editions=tuple((name, f"digit_five.{name}") for name in ("mnist", "mnist_m", "svhn_cropped", "syn_digits", "usps")),
    shared_origins=True,
)
"""The five digit sets as M3SDA packed them ("Digit-Five"), 32x32 RGB: USPS has 29,752 train and 1,860 test rows.

Of M3SDA, Dassl and AdaMatch. The files are on no stable host: plugins that register `digit_five.mnist`,
`digit_five.usps` and so on bring them.
"""

P_KL = Protocol(
    id="P-KL",
    summary="train and test joined and split 80/20 at random in both domains; selection on the source's 20",
    size=None,
    channels=None,
    pooled=0.8,
    shared_origins=True,
)
"""Train and test rows joined, and split anew at random, 80% to train, in the source and in the target.

Of KL-guided domain adaptation, on digits and on RotatedMNIST. The split is by the hash of the origin, so it is the same
in every run (the paper draws it anew), and of two domains that show one original both have it on the same side.
"""

P_DG = Protocol(
    id="P-DG",
    summary="each domain split 80/20 at random, x in 0..1; selection on the sources' 20, scored on the target's 80",
    size=None,
    channels=None,
    mean=0.0,
    std=1.0,
    pooled=0.8,
    scored="train",
)
"""Domain generalisation by DomainBed's "training-domain validation": train and test rows joined, 80% trained on.

The sources' other 20% select. The score is over the 80% of the target, which DomainBed never shows to a method; one of
tlx that adapts sees them without labels. The split is by the hash of the origin (DomainBed draws it anew for each run).
"""

P_CS = Protocol(
    id="P-CS",
    summary="the nine classes that CIFAR-10 and STL-10 share, 32x32 RGB, official splits",
    size=32,
    channels=3,
    renames=(("car", "automobile"),),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "horse", "ship", "truck"),
)
"""CIFAR-10 and STL-10 by their nine shared classes: STL's "car" is "automobile"; "frog" and "monkey" are left out.

Of DRCN, French et al. and VADA/DIRT-T: CIFAR 45,000/9,000 rows, STL 4,500/7,200, which is 96x96 and is shown at 32x32
(bilinear with antialiasing; French et al. take 3x3 means).
"""

P_C10_C = Protocol(
    id="P-C10-C",
    summary="CIFAR-10 to a corruption of it, 32x32 RGB, scored on its test; selection on a tenth of the source",
    size=32,
    channels=3,
    validation=0.1,
    shared_origins=True,
)
"""From CIFAR-10's train rows to a corruption of its test rows, 32x32 RGB (Hendrycks and Dietterich 2019; TENT).

The corrupted test images are those of the source's test split, so a tenth of the source's train rows, by the hash of
their origin, is held out to select by, and is not trained on. x is scaled to -1..1.
"""

P_OC10 = Protocol(
    id="P-OC10",
    summary="all images of both domains, 224x224 RGB, scored on all of the target; a tenth of the source to select by",
    size=224,
    channels=3,
    mean=127 / 255,
    std=128 / 255,
    pooled=1.0,
    scored="train",
    validation=0.1,
)
"""All images of both domains at 224x224 RGB: every target image is adapted to without its label, and is scored.

The transductive protocol of Gong et al. (2012, all source images) as SHOT's scripts (Liang et al. 2020) run it: a tenth
of the source, by the hash of its origin, is held out to select by. x = (uint8 - 127) / 128, as EfficientNet-Lite takes
it. The photographs go round in several encodings; those of the committed results have a short side of 256 pixels.
"""

P_5K = Protocol(
    id="P-5k",
    summary="28x28, scaled to -1..1; fixed splits; source validation on source test; scored on target test",
    size=28,
    channels=None,
)
"""The protocol of all tasks here.

Images are 28x28, grey unless a domain of the task is RGB, and x = (uint8 / 255 - 0.5) / 0.5. The splits are the
datasets' own and fixed. Adaptation sees the sources' train rows with labels and the target's train rows without; source
validation is the sources' test rows; the score is over the target's test rows. No digit is in source and target.
"""

P_TWEAKED = replace(
    P_5K,
    id="P-5k-tweaked",
    summary="P-5k with a target of which 7 in 10 rows are threes; scored on target train",
    draws=(Draw("mnist5k_rest", "prior", prior=Tweaked("3", 0.7)),),
    scored="train",
)
"""Label shift: the classes of `mnist5k_fifth`, the source, are alike in number; of the target, one has a share of 0.7.

Digits of a class are alike in both: what is scored is how a method meets shares other than those that it learned from
("tweak-one" of Lipton et al., ICML 2018). As in the papers on label shift, the rows that are scored are those that the
shares are estimated from, without labels.
"""

P_LONG_TAIL = replace(
    P_5K,
    id="P-5k-long-tail",
    summary="P-5k with a source whose first class has 50 times the rows of its last, and a target of equal shares",
    draws=(Draw("mnist5k_rest", "prior", prior=LongTail(50.0)),),
    scored="train",
)
"""Imbalance: the train rows of `mnist5k_rest`, the source, fall off exponentially; the target's classes are alike."""

DIGITS = tuple("0123456789")

P_5K_OPEN = replace(
    P_5K,
    id="P-5k-open",
    summary="P-5k with the source's digits 0 to 4 known, and 5 to 9 unknown in the target",
    labels=LabelSpace(DIGITS[:5], DIGITS, unknown=True),
)
"""P-5k as an open set: source rows are the digits 0 to 4, target rows all ten; 5 to 9 are one class, the unknown.

The split is OSBP's of digits (Saito et al. 2018).
"""

P_5K_PARTIAL = replace(
    P_5K,
    id="P-5k-partial",
    summary="P-5k with the digits 0 to 9 in the source, and 0 to 4 in the target",
    labels=LabelSpace(DIGITS, DIGITS[:5]),
)
"""P-5k as a partial task: source rows are all ten digits, target rows the digits 0 to 4. The classifier has ten."""

P_5K_NEW = replace(
    P_5K,
    id="P-5k-new",
    summary="P-5k with the digits 0 to 4 in the source, and the digits 5 to 9, without labels, in the target",
    labels=LabelSpace(DIGITS[:5], DIGITS[5:], novel=True),
)
"""P-5k with new classes to discover: source rows are the digits 0 to 4, target rows 5 to 9, each with an output.

The split is that of CIFAR-10 in the papers on novel classes (Han et al. 2020): the first half has labels.
"""

P_5K_GROWN = replace(
    P_5K,
    id="P-5k-grown",
    summary="P-5k with the digits 0 to 4 in the source, and all ten in the target",
    labels=LabelSpace(DIGITS[:5], DIGITS, novel=True),
)
"""P-5k with new classes from few labels, as tasks name them (`@P-5k-grown/5`): target rows are all ten digits."""

P_OSBP_DIGITS = replace(
    P_FULL_PKL,
    id="P-osbp-digits",
    summary="P-full-pkl at 28x28 grey, digits 0 to 4 known, 5 to 9 unknown in the target; scored on target train",
    size=28,
    channels=1,
    labels=LabelSpace(DIGITS[:5], DIGITS, unknown=True),
    scored="train",
)
"""OSBP's digits: source rows 0 to 4 of the train split, target rows all ten, of the train split too, which is scored.

Of Saito et al. 2018 by YU1ut/openset-DA: MNIST 60,000 and USPS 7,438 rows, target rows are adapted to without labels.
"""


def _asa(alpha: float) -> Protocol:
    return Protocol(
        id=f"P-ASA-{alpha:g}",
        summary=f"USPS balanced to MNIST of shares rank^-{alpha:g}, 28x28 grey; all rows joined and split 85/15",
        size=28,
        channels=1,
        pooled=0.85,
        draws=(Draw("usps", "balanced"), Draw("mnist", "prior", prior=Pareto(alpha))),
    )


P_ASA = tuple(map(_asa, (0.0, 1.0, 1.5, 2.0)))
"""Train and test rows joined and split 85/15 in both domains; the shares of the target's train rows differ by alpha.

Of adversarial support alignment, USPS -> MNIST (Tong et al. 2022): 9,298 and 70,000 rows; of the 85% USPS has as many
rows of each class as the rarest, and MNIST shares rank^-alpha, in as many rows as the classes give. The 15% of MNIST
are scored whole, by the mean over the classes. The paper draws the split and the classes' ranks anew for each of five
seeds; here they are those of one draw, and the rows of a class are drawn by the hash of their origin.
"""

MNIST_ROWS = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
USPS_ROWS = (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644)


def _iwdan(dataset: str, rows: tuple[int, ...]) -> Protocol:
    kept = [3 * count // 10 if digit < 5 else count for digit, count in enumerate(rows)]
    return replace(
        P_FULL_OFF,
        id=f"P-iwdan-{dataset}",
        summary=f"P-full-off, but 30% of {dataset.upper()}'s train rows of the digits 0 to 4: where it is the source",
        draws=(Draw(dataset, "prior", prior=tuple(count / sum(kept) for count in kept)),),
    )


P_IWDAN = (_iwdan("mnist", MNIST_ROWS), _iwdan("usps", USPS_ROWS))
"""P-full-off with 30% of the source's train rows of the digits 0 to 4, and all of 5 to 9: one protocol a direction.

Of IWDAN (Tachet des Combes et al. 2020, "sDigits", `--ratio 1` of its `train_digits.py`): 38,580 rows of MNIST or 4,321
of USPS. The target and what is scored are whole. There the rows are drawn anew for each seed; here by the hash of their
origin.
"""

P_5K_CORRELATED = replace(
    P_5K,
    id="P-5k-correlated",
    summary="P-5k, its test rows met in runs of a class: Dirichlet 0.1",
    stream="dirichlet",
    concentration=0.1,
)
"""P-5k with a correlated stream, of which methods at test time alone see the order.

Each class is spread by Dirichlet(0.1) over ten slots, and comes in one run in each: as in NOTE and RoTTA.
"""

CIFAR10_SCALE = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2471, 0.2435, 0.2616)}

P_NOTE_IID = replace(
    P_C10_C,
    id="P-note-iid",
    summary="P-C10-C, standardised by channel; a hundredth of the source to select by; test rows shuffled",
    validation=0.01,
    **CIFAR10_SCALE,
)
P_NOTE_CORRELATED = replace(
    P_NOTE_IID,
    id="P-note-correlated",
    summary="P-note-iid, its test rows met in runs of a class: Dirichlet 0.1",
    stream="dirichlet",
    concentration=0.1,
)
"""From CIFAR-10 to a corruption of it as one stream, adapted to by itself, shuffled or correlated (Gong et al. 2022).

There all 50,000 train rows are trained on; here 49,500, since the scored images are corruptions of the source's test
split. There each seed draws the stream anew, whose last 16 rows are left out; here all seeds meet one, whole.
"""

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
LITE = {"mean": 127 / 255, "std": 128 / 255}


def _pretrained(size: int, name: str, told: str, scale: dict) -> Protocol:
    return Protocol(
        id=f"P-{size}-{name}",
        summary=f"all rows, official splits, RGB, scaled to {size}x{size}, {told}; scored on target test",
        size=None,
        channels=3,
        resize=size,
        **scale,
    )


P_IMAGENET = tuple(_pretrained(size, "imagenet", "ImageNet's mean and deviation", IMAGENET) for size in (224, 128, 96))
"""All rows of the official splits as nets trained on ImageNet see them: RGB, 224x224, each channel standardised by
ImageNet's mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225), as in torchvision and timm.

Images are kept at the size of the task's largest domain, and scaled on the device (bilinear; the published pipelines
scale to 256 by bicubic interpolation and crop the middle 224). P-128-imagenet and P-96-imagenet show fewer pixels, for
machines without an accelerator: a third and a fifth of the work, and some points of accuracy.
"""

P_LITE = tuple(_pretrained(size, "lite", "(x - 127) / 128", LITE) for size in (224, 128, 96, 64))
"""As P-224-imagenet, but x = (pixel - 127) / 128 in every channel: the input of EfficientNet-Lite."""

PROTOCOLS = (
    P_5K,
    P_TWEAKED,
    P_LONG_TAIL,
    P_5K_OPEN,
    P_5K_PARTIAL,
    P_5K_NEW,
    P_5K_GROWN,
    P_OSBP_DIGITS,
    *P_ASA,
    *P_IWDAN,
    P_5K_CORRELATED,
    P_FULL_OFF,
    P_32,
    P_SV_BAL,
    P_2000,
    *P_2000_DRAWS,
    P_DAGE,
    P_ADDA,
    P_FULL_PKL,
    P_55K,
    P_D5,
    P_KL,
    P_DG,
    P_CS,
    P_C10_C,
    P_NOTE_IID,
    P_NOTE_CORRELATED,
    P_OC10,
    *P_IMAGENET,
    *P_LITE,
)
