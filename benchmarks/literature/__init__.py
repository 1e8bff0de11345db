"""The published figures that come with tlx, one YAML file a table, and the tables that `tlx reproduce` runs."""

from tlx import hookimpl


@hookimpl
def tlx_tables(register):
    """Registers the tables; which suites run them is in `tables`."""
    register("tllib-digits", "tlx_literature.tables:TLLIB_DIGITS", "TLLib: twelve methods on MNIST, USPS, SVHN.")
    register("kl-digits", "tlx_literature.tables:KL_DIGITS", "KL-guided adaptation on MNIST, USPS, SVHN.")
    register("kl-rotated-mnist", "tlx_literature.tables:KL_ROTATED_MNIST", "KL-guided adaptation, MNIST turned.")
    register(
        "domainbed-digits", "tlx_literature.tables:DOMAINBED_DIGITS", "ERM, IRM, GroupDRO: MNIST turned, coloured."
    )
    register("shot-digits", "tlx_literature.tables:SHOT_DIGITS", "SHOT on MNIST, USPS, SVHN: source-free.")
    register("few-shot-digits", "tlx_literature.tables:FEW_SHOT_DIGITS", "CCSA, d-SNE, DAGE: MNIST to USPS.")
    register("dirt-t", "tlx_literature.tables:DIRT_T", "VADA and DIRT-T: MNIST-M, CIFAR-10 and STL-10.")
    register("adda", "tlx_literature.tables:ADDA", "ADDA with few MNIST and USPS rows, and SVHN.")
    register("self-ensembling", "tlx_literature.tables:SELF_ENSEMBLING", "Self-ensembling on digits, CIFAR and STL.")
    register("osbp-digits", "tlx_literature.tables:OSBP_DIGITS", "OSBP between MNIST and USPS, 5 to 9 unknown.")
    register(
        "label-shift-mnist",
        "tlx_literature.label_shift.table:LABEL_SHIFT_MNIST",
        "Corrections of label shift on MNIST.",
    )
    register("asa-digits", "tlx_literature.tables:ASA_DIGITS", "USPS to MNIST of unequal classes: ASA and others.")
    register("iwdan-digits", "tlx_literature.tables:IWDAN_DIGITS", "IWDAN, IWCDAN: MNIST and USPS, few 0 to 4.")
    register("note-cifar10-c", "tlx_literature.tables:NOTE_CIFAR10_C", "NOTE and others on streams of CIFAR-10-C.")
    register("simclr-b5-cifar10", "tlx_literature.tables:SIMCLR_B5_CIFAR10", "ResNet-50 from ImageNet to CIFAR-10.")
