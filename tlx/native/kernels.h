// The kernels. levels.h includes this once for each instruction set, in a namespace of its own, with TLX_LANES (floats
// in a vector) and TLX_REGISTERS (vector registers) defined. No function of the standard library is instantiated here:
// the linker might keep the copy that needs AVX-512 for all. Lambdas hold no vectors, as some compilers compile them
// for the plainest processor.
namespace {

#include "vectors.h"
#include "pooling.h"
#include "convolution.h"
#include "winograd.h"
#include "winners.h"
#include "few_taps.h"
#include "depthwise.h"

}  // namespace

constexpr Kernels kernels = {forward, input_gradient, weight_gradient, pooled_input_gradient, pooled_weight_gradient,
                             max_pool, spread, collect, depthwise, depthwise_input_gradient, depthwise_weight_gradient};
#undef TLX_INLINE
