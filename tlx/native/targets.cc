// The kernels as targets of XLA's foreign function interface, and what the Python side asks before it registers them.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <string>

#include "levels.h"
#include "xla/ffi/api/ffi.h"

#define TLX_EXPORT extern "C" __attribute__((visibility("default")))

namespace ffi = xla::ffi;
using tlx::Shape;

// Counts the arguments, results and attributes of the targets: tlx/native/library.py expects this very number.
TLX_EXPORT const int tlx_native_interface = 1;
TLX_EXPORT const int tlx_native_ffi_major = XLA_FFI_API_MAJOR;
TLX_EXPORT const int tlx_native_ffi_minor = XLA_FFI_API_MINOR;

static const tlx::Kernels* chosen = nullptr;

// The `index`th instruction set that this processor has, best first; null behind the last.
TLX_EXPORT const char* tlx_native_level(int index) { return tlx::level(index).name; }

// Chooses an instruction set by name; 0 where this processor lacks it.
TLX_EXPORT int tlx_native_choose(const char* name) {
  for (int i = 0; tlx::level(i).name; i++)
    if (!std::strcmp(tlx::level(i).name, name)) {
      chosen = tlx::level(i).kernels;
      return 1;
    }
  return 0;
}

namespace {

using Floats = ffi::Buffer<ffi::F32>;
using Bytes = ffi::Buffer<ffi::U8>;
using FloatsOut = ffi::ResultBuffer<ffi::F32>;
using BytesOut = ffi::ResultBuffer<ffi::U8>;
using Numbers = ffi::Span<const int64_t>;

class XlaWorkers final : public tlx::Workers {
 public:
  explicit XlaWorkers(ffi::ThreadPool& pool) : pool_(pool) {}
  void run(int64_t count, tlx::Body body) override { tlx::share(pool_, count, body); }

 private:
  ffi::ThreadPool& pool_;
};

ffi::Error wrong(const char* what) { return ffi::Error::InvalidArgument(std::string("tlx.native: ") + what); }

// numbers: stride of rows and columns, padding at the top, bottom, left and right
bool read_shape(Numbers x, Numbers w, Numbers y, Numbers numbers, bool pooled, bool depthwise, Shape* s) {
  if (x.size() != 4 || w.size() != 4 || y.size() != 4 || numbers.size() < 6) return false;
  *s = {x[0], x[1], x[2], x[3], w[0], w[1], w[3], numbers[0], numbers[1], numbers[2], numbers[4]};
  s->HP = s->H + numbers[2] + numbers[3], s->WP = s->W + numbers[4] + numbers[5];
  if (std::min({s->stride_h, s->stride_w, s->R, s->S, s->C, s->O}) < 1) return false;
  if (std::min({numbers[2], numbers[3], numbers[4], numbers[5]}) < 0) return false;
  s->P = tlx::outputs(s->HP, s->R, s->stride_h), s->Q = tlx::outputs(s->WP, s->S, s->stride_w);
  int64_t share = pooled ? 2 : 1;
  bool channels = depthwise ? w[2] == 1 && s->O == s->C : w[2] == s->C;
  return channels && y[0] == s->B && y[1] == s->P / share && y[2] == s->Q / share && y[3] == s->O;
}

template <class Work>
ffi::Error guarded(ffi::ThreadPool& pool, Work work) {
  if (!chosen) return wrong("no instruction set was chosen");
  try {
    XlaWorkers workers(pool);
    work(workers);
  } catch (const std::exception& error) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, std::string("tlx.native: ") + error.what());
  }
  return ffi::Error::Success();
}

const char* const SHAPES = "the shapes of input, kernel and output do not fit each other";

ffi::Error conv(ffi::ThreadPool pool, Floats x, Floats w, Floats b, FloatsOut y, Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), w.dimensions(), y->dimensions(), numbers, false, false, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->forward(workers, s, x.typed_data(), w.typed_data(), b.typed_data(), y->typed_data(), nullptr, false);
  });
}

ffi::Error conv_input_gradient(ffi::ThreadPool pool, Floats g, Floats w, FloatsOut dx, Numbers numbers) {
  Shape s;
  if (!read_shape(dx->dimensions(), w.dimensions(), g.dimensions(), numbers, false, false, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->input_gradient(workers, s, g.typed_data(), w.typed_data(), dx->typed_data());
  });
}

ffi::Error conv_weight_gradient(ffi::ThreadPool pool, Floats x, Floats g, FloatsOut dw, FloatsOut db, Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), dw->dimensions(), g.dimensions(), numbers, false, false, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->weight_gradient(workers, s, x.typed_data(), g.typed_data(), dw->typed_data(), db->typed_data());
  });
}

// The last of `numbers` says whether ReLU follows.
ffi::Error conv_pool(ffi::ThreadPool pool, Floats x, Floats w, Floats b, FloatsOut y, BytesOut mask, Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), w.dimensions(), y->dimensions(), numbers, true, false, &s) || numbers.size() != 7)
    return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    if (y->element_count() == 0) return;
    chosen->forward(workers, s, x.typed_data(), w.typed_data(), b.typed_data(), y->typed_data(), mask->typed_data(),
                    numbers[6]);
  });
}

ffi::Error conv_pool_input_gradient(ffi::ThreadPool pool, Floats g, Bytes mask, Floats w, FloatsOut dx,
                                    Numbers numbers) {
  Shape s;
  if (!read_shape(dx->dimensions(), w.dimensions(), g.dimensions(), numbers, true, false, &s)) return wrong(SHAPES);
  if (g.element_count() == 0) s.P = s.Q = 0;
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->pooled_input_gradient(workers, s, g.typed_data(), mask.typed_data(), w.typed_data(), dx->typed_data());
  });
}

ffi::Error conv_pool_weight_gradient(ffi::ThreadPool pool, Floats x, Floats g, Bytes mask, FloatsOut dw, FloatsOut db,
                                     Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), dw->dimensions(), g.dimensions(), numbers, true, false, &s)) return wrong(SHAPES);
  if (g.element_count() == 0) s.P = s.Q = 0;
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->pooled_weight_gradient(workers, s, x.typed_data(), g.typed_data(), mask.typed_data(), dw->typed_data(),
                                   db->typed_data());
  });
}

ffi::Error depthwise(ffi::ThreadPool pool, Floats x, Floats w, FloatsOut y, Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), w.dimensions(), y->dimensions(), numbers, false, true, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->depthwise(workers, s, x.typed_data(), w.typed_data(), y->typed_data());
  });
}

ffi::Error depthwise_input_gradient(ffi::ThreadPool pool, Floats g, Floats w, FloatsOut dx, Numbers numbers) {
  Shape s;
  if (!read_shape(dx->dimensions(), w.dimensions(), g.dimensions(), numbers, false, true, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->depthwise_input_gradient(workers, s, g.typed_data(), w.typed_data(), dx->typed_data());
  });
}

ffi::Error depthwise_weight_gradient(ffi::ThreadPool pool, Floats x, Floats g, FloatsOut dw, Numbers numbers) {
  Shape s;
  if (!read_shape(x.dimensions(), dw->dimensions(), g.dimensions(), numbers, false, true, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->depthwise_weight_gradient(workers, s, x.typed_data(), g.typed_data(), dw->typed_data());
  });
}

// numbers: rows and columns of a window
bool read_pool(Numbers x, Numbers y, Numbers numbers, tlx::PoolShape* s) {
  if (x.size() != 4 || y.size() != 4 || numbers.size() != 2) return false;
  *s = {x[0], x[1], x[2], x[3], numbers[0], numbers[1]};
  if (s->R < 1 || s->S < 1 || s->R * s->S > 8) return false;
  return y[0] == s->B && y[1] == s->rows() && y[2] == s->columns() && y[3] == s->C;
}

ffi::Error max_pool(ffi::ThreadPool pool, Floats x, FloatsOut y, BytesOut mask, Numbers numbers) {
  tlx::PoolShape s;
  if (!read_pool(x.dimensions(), y->dimensions(), numbers, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->max_pool(workers, s, x.typed_data(), y->typed_data(), mask->typed_data());
  });
}

ffi::Error max_pool_spread(ffi::ThreadPool pool, Floats g, Bytes mask, FloatsOut dx, Numbers numbers) {
  tlx::PoolShape s;
  if (!read_pool(dx->dimensions(), g.dimensions(), numbers, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->spread(workers, s, g.typed_data(), mask.typed_data(), dx->typed_data());
  });
}

ffi::Error max_pool_collect(ffi::ThreadPool pool, Floats t, Bytes mask, FloatsOut g, Numbers numbers) {
  tlx::PoolShape s;
  if (!read_pool(t.dimensions(), g->dimensions(), numbers, &s)) return wrong(SHAPES);
  return guarded(pool, [&](tlx::Workers& workers) {
    chosen->collect(workers, s, t.typed_data(), mask.typed_data(), g->typed_data());
  });
}

auto bind() { return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>(); }

}  // namespace

#define TLX_TARGET(name, binding)                            \
  TLX_EXPORT XLA_FFI_Error* tlx_##name(XLA_FFI_CallFrame*);  \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(tlx_##name, name, bind().binding.Attr<Numbers>("numbers"))

TLX_TARGET(conv, Arg<Floats>().Arg<Floats>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(conv_input_gradient, Arg<Floats>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(conv_weight_gradient, Arg<Floats>().Arg<Floats>().Ret<Floats>().Ret<Floats>());
TLX_TARGET(conv_pool, Arg<Floats>().Arg<Floats>().Arg<Floats>().Ret<Floats>().Ret<Bytes>());
TLX_TARGET(conv_pool_input_gradient, Arg<Floats>().Arg<Bytes>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(conv_pool_weight_gradient, Arg<Floats>().Arg<Floats>().Arg<Bytes>().Ret<Floats>().Ret<Floats>());
TLX_TARGET(depthwise, Arg<Floats>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(depthwise_input_gradient, Arg<Floats>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(depthwise_weight_gradient, Arg<Floats>().Arg<Floats>().Ret<Floats>());
TLX_TARGET(max_pool, Arg<Floats>().Ret<Floats>().Ret<Bytes>());
TLX_TARGET(max_pool_spread, Arg<Floats>().Arg<Bytes>().Ret<Floats>());
TLX_TARGET(max_pool_collect, Arg<Floats>().Arg<Bytes>().Ret<Floats>());
