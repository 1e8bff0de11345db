"""The checks of backbones: one program, of a small member where the backbone names one."""

from flax import nnx

from tlx.testing import TinyBN, check_backbone


class Anew(TinyBN):
    """Makes a function in each build."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.scale = lambda x: 2 * x

    def __call__(self, x):
        return self.scale(super().__call__(x))


class Noisy(TinyBN):
    """Drops features in evaluation too."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(super().__call__(x), deterministic=False)


class Large(Noisy):
    """A family whose small member is sound."""

    @classmethod
    def tiny(cls) -> type:
        return TinyBN


def failures(backbone: type) -> dict[str, str]:
    return {result.name: result.message for result in check_backbone(backbone) if not result.passed}


def test_a_layer_with_a_function_of_its_own_has_another_structure_each_time():
    """The trap: every seed and every phase compiles its programs again."""
    (name, message), *others = failures(Anew).items()
    assert name == "has_one_structure" and "make it once, at the top of the file" in message and not others


def test_noise_in_evaluation_is_found_by_other_keys():
    """The trap: an evaluation that keeps its state draws the same noise at a second call."""
    assert "dropout is still on in eval mode" in failures(Noisy)["predicts_rows_alone"]


def test_of_a_large_family_the_small_member_is_compiled():
    assert failures(Large) == {}
