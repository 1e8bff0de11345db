// Shapes of a convolution and of a pooling, their division into strips, and scratch memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace tlx {

// x [B,H,W,C], w [R,S,C,O], y [B,P,Q,O]. HP and WP: height and width with padding.
struct Shape {
  int64_t B, H, W, C, R, S, O, stride_h, stride_w, top, left, HP, WP, P, Q;

  int64_t pixels() const { return P * Q; }
  int64_t row_taps() const { return S * C; }  // taps of one kernel row: they are adjacent in x
  int64_t taps() const { return R * S * C; }
  bool padded() const { return HP != H || WP != W; }
};

inline int64_t outputs(int64_t size, int64_t kernel, int64_t stride) {
  return size < kernel ? 0 : (size - kernel) / stride + 1;
}

// Windows of R x S pixels side by side; x [B,H,W,C], y [B,H/R,W/S,C]. A byte holds a bit for each pixel of a window.
struct PoolShape {
  int64_t B, H, W, C, R, S;

  int64_t rows() const { return H / R; }
  int64_t columns() const { return W / S; }
};

// The outputs cut into strips of about `target` pixels: several images, or some rows of one. Threads play no part.
struct Strips {
  int64_t images, rows, per_image, count;

  Strips(const Shape& s, int64_t target, int64_t row_step) {
    if (s.pixels() <= target) {
      images = std::max<int64_t>(1, std::min((s.B + 1) / 2, target / std::max<int64_t>(1, s.pixels())));
      rows = s.P, per_image = 1;
      count = s.pixels() == 0 ? 0 : (s.B + images - 1) / images;
    } else {
      images = 1;
      rows = std::min(s.P, std::max(row_step, target / s.Q / row_step * row_step));
      per_image = (s.P + rows - 1) / rows;
      count = s.B * per_image;
    }
  }
};

// One strip: output rows [first_row, first_row + rows) of the images [first, first + images).
struct Strip {
  int64_t first, images, first_row, rows, input_rows;

  Strip(const Shape& s, const Strips& strips, int64_t index) {
    first = index / strips.per_image * strips.images;
    images = std::min(strips.images, s.B - first);
    first_row = index % strips.per_image * strips.rows;
    rows = std::min(strips.rows, s.P - first_row);
    input_rows = (rows - 1) * s.stride_h + s.R;
  }
};

constexpr int64_t AHEAD = 8;  // how many windows ahead memory is asked for

// Where each output pixel's window begins, image by image and row by row; floats from the strip's beginning. AHEAD
// zeros follow. `gap` floats lie between the rows of an image, here and below.
inline std::vector<int64_t> window_offsets(const Shape& s, int64_t images, int64_t rows, int64_t image_step,
                                           int64_t gap = 0) {
  std::vector<int64_t> at(images * rows * s.Q + AHEAD);
  int64_t n = 0;
  for (int64_t b = 0; b < images; b++)
    for (int64_t p = 0; p < rows; p++)
      for (int64_t q = 0; q < s.Q; q++)
        at[n++] = b * image_step + p * s.stride_h * (s.WP * s.C + gap) + q * s.stride_w * s.C;
  return at;
}

inline std::vector<int64_t> tap_offsets(const Shape& s, int64_t gap = 0) {
  std::vector<int64_t> at(s.taps());
  for (int64_t k = 0; k < s.taps(); k++) at[k] = k / s.row_taps() * (s.WP * s.C + gap) + k % s.row_taps();
  return at;
}

enum Slot { INPUT, OUTPUT, GRADIENT, BLOCK, SHARED, SLOTS };

// Memory of this thread, aligned to 64 bytes, kept for the next call and as large as the largest request; its content
// is whatever the last user left.
inline float* scratch(Slot slot, int64_t floats) {
  struct Held {
    float* data = nullptr;
    size_t bytes = 0;
    ~Held() { std::free(data); }
  };
  static thread_local Held all[SLOTS];
  Held& held = all[slot];
  size_t bytes = (floats * sizeof(float) + 63) / 64 * 64 + 64;
  if (held.bytes < bytes) {
    std::free(held.data);
    held.bytes = 0;
    held.data = static_cast<float*>(std::aligned_alloc(64, bytes));
    if (!held.data) throw std::bad_alloc();
    held.bytes = bytes;
    std::memset(held.data, 0, bytes);
  }
  return held.data;
}

// `count` pixels of `channels` floats into rows of `room` floats, zeros behind.
inline void copy_pixels(const float* from, int64_t count, int64_t channels, int64_t room, float* to) {
  if (channels == room) {
    std::memcpy(to, from, count * channels * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < count; i++, from += channels, to += room) {
    std::memcpy(to, from, channels * sizeof(float));
    std::memset(to + channels, 0, (room - channels) * sizeof(float));
  }
}

// The transpose of [rows, columns], rows `from_step` apart, into rows `to_step` apart; by small squares, which stay in
// cache.
inline void transpose(const float* from, int64_t rows, int64_t columns, int64_t from_step, float* to,
                      int64_t to_step) {
  for (int64_t first = 0; first < columns; first += 16)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = first; c < std::min(first + 16, columns); c++) to[c * to_step + r] = from[r * from_step + c];
}

// The padded rows of a strip's inputs: [images, input_rows, WP, room], channels beyond C zero.
inline void pad_strip(const Shape& s, const float* x, const Strip& strip, int64_t room, float* to, int64_t gap = 0) {
  for (int64_t b = 0; b < strip.images; b++)
    for (int64_t r = 0; r < strip.input_rows; r++, to += s.WP * room + gap) {
      int64_t h = strip.first_row * s.stride_h + r - s.top;
      if (h < 0 || h >= s.H) {
        std::memset(to, 0, s.WP * room * sizeof(float));
        continue;
      }
      std::memset(to, 0, s.left * room * sizeof(float));
      copy_pixels(x + ((strip.first + b) * s.H + h) * s.W * s.C, s.W, s.C, room, to + s.left * room);
      std::memset(to + (s.left + s.W) * room, 0, (s.WP - s.W - s.left) * room * sizeof(float));
    }
}

// A strip's inputs, images `image_step` apart, with padding; `slack` floats behind the last may be read. Where x itself
// serves, nothing is copied.
inline const float* strip_input(const Shape& s, const float* x, const Strip& strip, int64_t image_step, int64_t slack) {
  const float* input = x + (strip.first * s.H + strip.first_row * s.stride_h) * s.W * s.C;
  int64_t floats = (strip.images - 1) * image_step + strip.input_rows * s.WP * s.C;
  bool whole = x + s.B * s.H * s.W * s.C - input >= floats + slack;
  if (!s.padded() && whole) return input;
  float* to = scratch(INPUT, floats + slack);
  if (s.padded())
    pad_strip(s, x, strip, s.C, to);
  else
    std::memcpy(to, input, floats * sizeof(float));
  return to;
}

}  // namespace tlx
