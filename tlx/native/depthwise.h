// Depthwise convolution and its two gradients.

// y[p] = sum_ij x[p, i, j] w[i, j]: P pixels of a row by one vector of channels.
struct DepthwiseTile {
  static constexpr int WIDEST = 1;
  template <int P, int N>
  static void run(const float* x, int64_t row_step, int64_t pixel_step, int64_t tap_step, int64_t R, int64_t S,
                  const float* w, int64_t w_step, float* y, int64_t y_step, int64_t lanes) {
    Vec sum[P];
    for (int p = 0; p < P; p++) sum[p] = Vec{};
    for (int64_t i = 0; i < R; i++)
      for (int64_t j = 0; j < S; j++) {
        Vec weight = load(w + (i * S + j) * w_step);
        const float* at = x + i * row_step + j * tap_step;
#pragma GCC unroll 12
        for (int p = 0; p < P; p++) sum[p] += load(at + p * pixel_step) * weight;
      }
    for (int p = 0; p < P; p++) store_part(y + p * y_step, sum[p], lanes);
  }
};

// dw[k] += sum_q x[q, k] g[q]: P taps by one vector of channels, along a row.
struct DepthwiseWeightGradientTile {
  static constexpr int WIDEST = 1;
  template <int P, int N>
  static void run(const float* x, const int64_t* tap, int64_t pixel_step, int64_t pixels, const float* g,
                  int64_t g_step, float* dw, int64_t dw_step) {
    Vec sum[P];
    for (int p = 0; p < P; p++) sum[p] = load(dw + p * dw_step);
    for (int64_t q = 0; q < pixels; q++) {
      Vec slope = load(g + q * g_step);
      const float* at = x + q * pixel_step;
#pragma GCC unroll 12
      for (int p = 0; p < P; p++) sum[p] += load(at + tap[p]) * slope;
    }
    for (int p = 0; p < P; p++) store(dw + p * dw_step, sum[p]);
  }
};

// One output row of a depthwise convolution; x points to the first input row.
static void depthwise_row(const Shape& s, const float* x, const float* w, float* y) {
  int64_t room = round_up(s.C, LANES);
  for (int64_t c = 0; c < s.C; c += LANES)
    for (int64_t q = 0, P; q < s.Q; q += P) {
      P = lower(s.Q - q, 8);
      run_tile<DepthwiseTile>(static_cast<int>(P), 1, x + q * s.stride_w * room + c, s.WP * room, s.stride_w * room,
                              room, s.R, s.S, w + c, room, y + q * s.C + c, s.C, lower(LANES, s.C - c));
    }
}
static int64_t depthwise_target(const Shape& s) { return upper(s.Q, 12288 / round_up(s.C, LANES)); }

// y[b,p,q,c] = sum_ij x[b, s p + i, s q + j, c] w[i,j,c]
static void depthwise(Workers& workers, const Shape& s, const float* x, const float* w, float* y) {
  Strips strips(s, depthwise_target(s), 1);
  if (strips.count == 0) return;
  int64_t room = round_up(s.C, LANES);
  float* weights = scratch(SHARED, s.R * s.S * room);
  copy_pixels(w, s.R * s.S, s.C, room, weights);
  bool copied = s.padded() || room != s.C;
  int64_t image_step = (copied ? Strip(s, strips, 0).input_rows * s.WP : s.H * s.W) * room;
  auto body = [&](int64_t index) {
    Strip strip(s, strips, index);
    const float* input = x + (strip.first * s.H + strip.first_row * s.stride_h) * s.W * s.C;
    if (copied) {
      float* to = scratch(INPUT, strips.images * image_step);
      pad_strip(s, x, strip, room, to);
      input = to;
    }
    for (int64_t b = 0; b < strip.images; b++)
      for (int64_t p = 0; p < strip.rows; p++)
        depthwise_row(s, input + b * image_step + p * s.stride_h * s.WP * room, weights,
                      y + ((strip.first + b) * s.P + strip.first_row + p) * s.Q * s.C);
  };
  workers.run(strips.count, body);
}

// dx[b, s p + i, s q + j, c] += g[b,p,q,c] w[i,j,c], as a convolution of g, spread by the stride, with the turned w.
static void depthwise_input_gradient(Workers& workers, const Shape& s, const float* g, const float* w, float* dx) {
  Shape turned = {s.B, s.H + s.R - 1, s.W + s.S - 1, s.C, s.R, s.S, s.O, 1, 1, 0, 0, s.H + s.R - 1, s.W + s.S - 1,
                  s.H, s.W};
  Strips strips(turned, depthwise_target(turned), 1);
  if (strips.count == 0) return;
  int64_t room = round_up(s.C, LANES), taps = s.R * s.S;
  float* weights = scratch(SHARED, taps * room);
  for (int64_t k = 0; k < taps; k++) copy_pixels(w + (taps - 1 - k) * s.C, 1, s.C, room, weights + k * room);
  int64_t image_step = Strip(turned, strips, 0).input_rows * turned.WP * room;
  auto body = [&](int64_t index) {
    Strip strip(turned, strips, index);
    float* input = scratch(INPUT, strips.images * image_step);
    memset(input, 0, strip.images * strip.input_rows * turned.WP * room * sizeof(float));
    for (int64_t b = 0; b < strip.images; b++) {
      for (int64_t p = 0; p < s.P; p++) {
        int64_t h = p * s.stride_h + s.R - 1 - s.top - strip.first_row;
        if (h < 0 || h >= strip.input_rows) continue;
        const float* row = g + ((strip.first + b) * s.P + p) * s.Q * s.C;
        float* to = input + b * image_step + h * turned.WP * room;
        int64_t shift = s.S - 1 - s.left, from = upper(0, -shift);
        if (s.stride_w == 1) {
          int64_t count = lower(s.Q, turned.WP - shift) - from;
          if (count > 0) copy_pixels(row + from * s.C, count, s.C, room, to + (from + shift) * room);
          continue;
        }
        for (int64_t q = 0; q < s.Q; q++) {
          int64_t v = q * s.stride_w + shift;
          if (v >= 0 && v < turned.WP) memcpy(to + v * room, row + q * s.C, s.C * sizeof(float));
        }
      }
      for (int64_t p = 0; p < strip.rows; p++)
        depthwise_row(turned, input + b * image_step + p * turned.WP * room, weights,
                      dx + ((strip.first + b) * s.H + strip.first_row + p) * s.W * s.C);
    }
  };
  workers.run(strips.count, body);
}

// dw[i,j,c] = sum_bpq x[b, s p + i, s q + j, c] g[b,p,q,c]
static void depthwise_weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g, float* dw) {
  Strips strips(s, depthwise_target(s), 1);
  int64_t room = round_up(s.C, LANES), taps = s.R * s.S, size = taps * room;
  if (strips.count == 0) {
    memset(dw, 0, taps * s.C * sizeof(float));
    return;
  }
  bool copied = s.padded() || room != s.C;
  int64_t image_step = (copied ? Strip(s, strips, 0).input_rows * s.WP : s.H * s.W) * room;
  int64_t parts = lower(strips.count, 16);
  float* sums = scratch(SHARED, size * parts);
  auto body = [&](int64_t part) {
    float* sum = sums + size * part;
    memset(sum, 0, size * sizeof(float));
    for (int64_t index = strips.count * part / parts; index < strips.count * (part + 1) / parts; index++) {
      Strip strip(s, strips, index);
      const float* input = x + (strip.first * s.H + strip.first_row * s.stride_h) * s.W * s.C;
      if (copied) {
        float* to = scratch(INPUT, strips.images * image_step);
        pad_strip(s, x, strip, room, to);
        input = to;
      }
      for (int64_t b = 0; b < strip.images; b++)
        for (int64_t p = 0; p < strip.rows; p++) {
          const float* slope = g + ((strip.first + b) * s.P + strip.first_row + p) * s.Q * s.C;
          if (room != s.C) {
            float* to = scratch(GRADIENT, s.Q * room);
            copy_pixels(slope, s.Q, s.C, room, to);
            slope = to;
          }
          const float* row = input + b * image_step + p * s.stride_h * s.WP * room;
          for (int64_t c = 0; c < room; c += LANES)
            for (int64_t k = 0, P; k < taps; k += P) {
              P = lower(8, taps - k);
              int64_t at[8];
              for (int64_t i = 0; i < P; i++) at[i] = ((k + i) / s.S * s.WP + (k + i) % s.S) * room + c;
              run_tile<DepthwiseWeightGradientTile>(static_cast<int>(P), 1, row, at, s.stride_w * room, s.Q, slope + c,
                                                    room, sum + k * room + c, room);
            }
        }
    }
  };
  workers.run(parts, body);
  add_parts(sums, parts, size, 0, size);
  for (int64_t k = 0; k < taps; k++) memcpy(dw + k * s.C, sums + k * room, s.C * sizeof(float));
}
