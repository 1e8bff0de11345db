// The kernels for every instruction set that the compiler's target has, and the choice between them at run time.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "shape.h"
#include "workers.h"

namespace tlx {

struct Kernels {
  void (*forward)(Workers&, const Shape&, const float* x, const float* w, const float* bias, float* y, uint8_t* mask,
                  bool relu);
  void (*input_gradient)(Workers&, const Shape&, const float* g, const float* w, float* dx);
  void (*weight_gradient)(Workers&, const Shape&, const float* x, const float* g, float* dw, float* db);
  void (*pooled_input_gradient)(Workers&, const Shape&, const float* g, const uint8_t* mask, const float* w, float* dx);
  void (*pooled_weight_gradient)(Workers&, const Shape&, const float* x, const float* g, const uint8_t* mask, float* dw,
                                 float* db);
  void (*max_pool)(Workers&, const PoolShape&, const float* x, float* y, uint8_t* mask);
  void (*spread)(Workers&, const PoolShape&, const float* g, const uint8_t* mask, float* dx);
  void (*collect)(Workers&, const PoolShape&, const float* t, const uint8_t* mask, float* g);
  void (*depthwise)(Workers&, const Shape&, const float* x, const float* w, float* y);
  void (*depthwise_input_gradient)(Workers&, const Shape&, const float* g, const float* w, float* dx);
  void (*depthwise_weight_gradient)(Workers&, const Shape&, const float* x, const float* g, float* dw);
};

#define TLX_LANES 4
#define TLX_REGISTERS 16
namespace generic {
#include "kernels.h"
}
#undef TLX_LANES
#undef TLX_REGISTERS

#if defined(__aarch64__)
#define TLX_LANES 4
#define TLX_REGISTERS 32
namespace neon {
#include "kernels.h"
}
#undef TLX_LANES
#undef TLX_REGISTERS
#endif

#if defined(__x86_64__)
#define TLX_LANES 8
#define TLX_REGISTERS 16
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#include "kernels.h"
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef TLX_LANES
#undef TLX_REGISTERS

#define TLX_LANES 16
#define TLX_REGISTERS 32
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma")
#endif
namespace avx512 {
#include "kernels.h"
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef TLX_LANES
#undef TLX_REGISTERS
#endif

struct Level {
  const char* name;
  const Kernels* kernels;
};

// The `index`th of the levels that this processor has, best first; a null name behind the last.
inline Level level(int index) {
  Level found[4] = {};
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool fma = __builtin_cpu_supports("fma");
  if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found[count++] = {"avx512", &avx512::kernels};
  if (fma && __builtin_cpu_supports("avx2")) found[count++] = {"avx2", &avx2::kernels};
#elif defined(__aarch64__)
  found[count++] = {"neon", &neon::kernels};
#endif
  found[count++] = {"generic", &generic::kernels};
  return index >= 0 && index < count ? found[index] : Level{};
}

}  // namespace tlx
