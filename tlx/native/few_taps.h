// A convolution of few taps with 2x2 max pooling behind, as a net's first on grey images: forward, and the gradient of
// its weights. Lanes hold channels; the last few channels of windows side by side share a vector, where each lane looks
// up its own window's pixels.

#if TLX_LANES == 16

// How channels become lanes: whole vectors of them, and `rest` more, of `together` windows side by side.
struct Lanes {
  int64_t vectors, rest, together;

  explicit Lanes(const Shape& s) {
    vectors = s.O / LANES, rest = s.O % LANES;
    int64_t reach = LANES - s.row_taps() - s.C;  // from the last tap of a window to the end of a vector of pixels
    together = reach < 0 ? 0 : rest ? lower(LANES / rest, reach / (2 * s.C) + 1) : 1;
  }
  int64_t sums() const { return vectors + (rest > 0); }
  int64_t groups(int64_t columns) const { return (columns + together - 1) / together; }
  int64_t channel(int64_t vector, int64_t lane) const {
    return vector * LANES + (vector < vectors ? lane : lane % rest);
  }
};

// How far each lane's own window begins from its group's first.
TLX_INLINE IntVec shifts_of(const Lanes& lanes, int64_t channels) {
  IntVec at;
  for (int lane = 0; lane < LANES; lane++) at[lane] = static_cast<int32_t>(lane / lanes.rest * 2 * channels);
  return at;
}

// Four pixels a lane: the greatest, NaN before all, and which of them equal it. With ReLU none does where that is not
// positive.
TLX_INLINE Vec pool(Vec a, Vec b, Vec c, Vec d, bool relu, ByteVec* bits) {
  __m512 p = (__m512)a, q = (__m512)b, r = (__m512)c, t = (__m512)d, zero = _mm512_setzero_ps();
  __m512 top = _mm512_max_ps(_mm512_max_ps(p, q), _mm512_max_ps(r, t));
  __mmask16 missing = _mm512_cmp_ps_mask(p, q, _CMP_UNORD_Q) | _mm512_cmp_ps_mask(r, t, _CMP_UNORD_Q);
  __mmask16 some = relu ? _mm512_cmp_ps_mask(top, zero, _CMP_GT_OQ) : static_cast<__mmask16>(0xffff);
  if (relu) top = _mm512_max_ps(top, zero);
  top = _mm512_mask_mov_ps(top, missing, _mm512_set1_ps(__builtin_nanf("")));
  some &= static_cast<__mmask16>(~missing);
  __m128i won = _mm_maskz_set1_epi8(_mm512_mask_cmp_ps_mask(some, p, top, _CMP_EQ_OQ), 1);
  __m128i second = _mm_set1_epi8(2), third = _mm_set1_epi8(4), fourth = _mm_set1_epi8(8);
  won = _mm_mask_add_epi8(won, _mm512_mask_cmp_ps_mask(some, q, top, _CMP_EQ_OQ), won, second);
  won = _mm_mask_add_epi8(won, _mm512_mask_cmp_ps_mask(some, r, top, _CMP_EQ_OQ), won, third);
  won = _mm_mask_add_epi8(won, _mm512_mask_cmp_ps_mask(some, t, top, _CMP_EQ_OQ), won, fourth);
  *bits = (ByteVec)won;
  return (Vec)top;
}

// Kernels of R rows of T taps, pixels of C channels, without strides. All sums of a vector of channels fit the
// registers.
template <int R, int T, int C>
struct FewTaps {
  static constexpr int WINDOWS = 4;  // of a forward tile

  // y = max over a window's pixels of bias + sum_k x[window of the pixel + k] w[k], for WINDOWS windows side by side.
  static void forward(const float* x, int64_t row_step, const float* w, bool relu, int64_t step, float* y,
                      uint8_t* mask) {
    Vec sum[2][2 * WINDOWS];
    for (auto& row : sum)
      for (Vec& pixel : row) pixel = load(w + R * T * LANES);
    for (int i = 0; i < R; i++, x += row_step) {
#pragma GCC unroll 9
      for (int j = 0; j < T; j++, w += LANES) {
        Vec weight = load(w);
#pragma GCC unroll 8
        for (int q = 0; q < 2 * WINDOWS; q++) {
          sum[0][q] += x[q * C + j] * weight;
          sum[1][q] += x[row_step + q * C + j] * weight;
        }
      }
    }
#pragma GCC unroll 4
    for (int q = 0; q < WINDOWS; q++) {
      ByteVec bits;
      store(y + q * step, pool(sum[0][2 * q], sum[0][2 * q + 1], sum[1][2 * q], sum[1][2 * q + 1], relu, &bits));
      store_bytes(mask + q * step, bits, LANES);
    }
  }

  // The same for the last channels, those of `lanes.together` windows in a vector.
  static void forward_rest(const Lanes& lanes, const float* x, int64_t row_step, const float* w, bool relu,
                           int64_t step, float* y, uint8_t* mask) {
    Vec sum[2][2];
    for (auto& row : sum)
      for (Vec& pixel : row) pixel = load(w + R * T * LANES);
    IntVec shift = shifts_of(lanes, C);
#pragma GCC unroll 6
    for (int h = 0; h <= R; h++) {
      Vec row = load(x + h * row_step);
#pragma GCC unroll 12
      for (int k = 0; k < T + C; k++) {
        Vec pixels = look_up(row, shift + k);
        for (int i = 0; i < 2; i++)
          for (int j = 0; j < 2; j++)
            if (h - i >= 0 && h - i < R && k - j * C >= 0 && k - j * C < T)
              sum[i][j] += pixels * load(w + ((h - i) * T + k - j * C) * LANES);
      }
    }
    ByteVec bits;
    Vec top = pool(sum[0][0], sum[0][1], sum[1][0], sum[1][1], relu, &bits);
    for (int64_t window = 0; window < lanes.together; window++, y += step - lanes.rest, mask += step - lanes.rest) {
      auto some = static_cast<__mmask16>(((1 << lanes.rest) - 1) << window * lanes.rest);
      _mm512_mask_storeu_ps(y, some, (__m512)top);
      _mm_mask_storeu_epi8(mask, some, (__m128i)bits);
    }
  }

  // dw[k] += slope * x[window of the winner + k], and behind the taps the sum of slopes. Pixels that tie share the
  // slope; a lane without a winner has none. Windows begin at `corner`, `lanes.together` side by side if REST.
  template <bool REST>
  static void weight_gradient(const Lanes& lanes, const float* x, const int64_t* corner, int64_t count,
                              int64_t row_step, const float* g, const uint8_t* mask, int64_t step, float* dw) {
    Vec sum[R * T], total = load(dw + R * T * LANES);
    for (int k = 0; k < R * T; k++) sum[k] = load(dw + k * LANES);
    IntVec shift = REST ? shifts_of(lanes, C) : IntVec{}, place = {};
    place[2] = C, place[4] = LANES, place[8] = LANES + C;  // by a winner's bit: pixels of two rows in two vectors
    for (int64_t m = 0; m < count; m++, g += step, mask += step) {
      IntVec left = __builtin_convertvector(load_bytes(mask, LANES), IntVec), bit = left & -left;
      Vec slope = load(g), zero = {};
      if (any(left ^ bit)) {
        IntVec ties = (left & 1) + (left >> 1 & 1) + (left >> 2 & 1) + (left >> 3 & 1);
        slope /= __builtin_convertvector(ties | ((ties == 0) & 1), Vec);
      }
      const float* from = x + corner[m];
      while (any(left)) {
        Vec part = bit != 0 ? slope : zero;
        IntVec at = (IntVec)look_up((Vec)place, bit) + shift;
        total += part;
#pragma GCC unroll 5
        for (int i = 0; i < R; i++) {
          Vec first = load(from + i * row_step), second = load(from + (i + 1) * row_step);
#pragma GCC unroll 9
          for (int j = 0; j < T; j++) sum[i * T + j] += part * look_up(first, second, at + j);
        }
        left ^= bit;
        bit = left & -left;
      }
    }
    for (int k = 0; k < R * T; k++) store(dw + k * LANES, sum[k]);
    store(dw + R * T * LANES, total);
  }
};

// What FewTaps gives for a kernel's size.
struct FewTapsRuns {
  decltype(&FewTaps<5, 5, 1>::forward) forward;
  decltype(&FewTaps<5, 5, 1>::forward_rest) forward_rest;
  decltype(&FewTaps<5, 5, 1>::weight_gradient<false>) weight_gradient, weight_gradient_rest;
};
template <int R, int T, int C>
constexpr FewTapsRuns few_taps_runs = {FewTaps<R, T, C>::forward, FewTaps<R, T, C>::forward_rest,
                                       FewTaps<R, T, C>::template weight_gradient<false>,
                                       FewTaps<R, T, C>::template weight_gradient<true>};

// Null where a kernel has no such tiles, or its outputs, of which pooling leaves [P/2, Q/2], too few columns for one.
static const FewTapsRuns* few_taps(const Shape& s) {
  if (s.stride_h != 1 || s.stride_w != 1 || s.B == 0 || s.P < 2) return nullptr;
  if (s.Q / 2 < upper(4, Lanes(s).together)) return nullptr;
  if (s.R == 5 && s.S == 5 && s.C == 1) return &few_taps_runs<5, 5, 1>;
  if (s.R == 3 && s.S == 3 && s.C == 1) return &few_taps_runs<3, 3, 1>;
  if (s.R == 3 && s.S == 3 && s.C == 3) return &few_taps_runs<3, 9, 3>;
  return nullptr;
}

// The pooled windows as outputs, `together` side by side in one.
static Shape window_shape(const Shape& s, int64_t together) {
  Shape half = s;
  half.P = s.P / 2, half.Q = (s.Q / 2 + together - 1) / together;
  half.stride_h = 2, half.stride_w = 2 * together;
  return half;
}

static void few_taps_forward(Workers& workers, const Shape& given, const FewTapsRuns& runs, const float* x,
                             const float* w, const float* bias, float* y, uint8_t* mask, bool relu) {
  Shape s = pooled_part(given);
  Lanes lanes(s);
  Strips strips(s, 1024, 2);
  int64_t K = s.taps(), each = (K + 1) * LANES, row_step = s.WP * s.C, columns = s.Q / 2;
  float* packed = scratch(SHARED, lanes.sums() * each);  // [vector of channels][tap, bias][lane]
  for (int64_t v = 0; v < lanes.sums(); v++)
    for (int64_t k = 0; k <= K; k++)
      for (int64_t lane = 0; lane < LANES; lane++)
        packed[v * each + k * LANES + lane] = (k < K ? w + k * s.O : bias)[lanes.channel(v, lane)];
  int64_t input_rows = Strip(s, strips, 0).input_rows;
  int64_t image_step = s.padded() ? input_rows * row_step : s.H * row_step;
  auto body = [&](int64_t index) {
    Strip strip(s, strips, index);
    const float* input = strip_input(s, x, strip, image_step, LANES);
    int64_t row = strip.first * (s.P / 2) + strip.first_row / 2;
    for (int64_t b = 0; b < strip.images; b++)
      for (int64_t p = 0; p < strip.rows / 2; p++, row++) {
        const float* from = input + b * image_step + 2 * p * row_step;
        float* to = y + row * columns * s.O;
        uint8_t* bits = mask + row * columns * s.O;
        // The last windows overlap those before: what is written again is the same.
        for (int64_t v = 0; v < lanes.vectors; v++)
          for (int64_t q = 0; q < columns; q += 4) {
            int64_t first = lower(q, columns - 4), at = first * s.O + v * LANES;
            runs.forward(from + 2 * first * s.C, row_step, packed + v * each, relu, s.O, to + at, bits + at);
          }
        for (int64_t q = 0; lanes.rest && q < columns; q += lanes.together) {
          int64_t first = lower(q, columns - lanes.together), at = first * s.O + lanes.vectors * LANES;
          runs.forward_rest(lanes, from + 2 * first * s.C, row_step, packed + lanes.vectors * each, relu, s.O, to + at,
                            bits + at);
        }
      }
  };
  workers.run(strips.count, body);
}

// The last channels of a strip's windows into rows of LANES, those of windows side by side in one; lanes behind win
// nothing.
static void gather_rest(const Shape& s, const Lanes& lanes, int64_t rows, const float* g, const uint8_t* mask,
                        float* slopes, uint8_t* bits) {
  int64_t columns = s.Q / 2, groups = lanes.groups(columns);
  memset(slopes, 0, rows * groups * LANES * sizeof(float));
  memset(bits, 0, rows * groups * LANES);
  for (int64_t p = 0; p < rows; p++)
    for (int64_t q = 0; q < columns; q++) {
      int64_t from = (p * columns + q) * s.O + lanes.vectors * LANES;
      int64_t to = (p * groups + q / lanes.together) * LANES + q % lanes.together * lanes.rest;
      for (int64_t o = 0; o < lanes.rest; o++) slopes[to + o] = g[from + o], bits[to + o] = mask[from + o];
    }
}

// Parts of the images have sums of their own, [vector of channels][tap, bias][lane], whatever the number of threads.
static void few_taps_weight_gradient(Workers& workers, const Shape& given, const FewTapsRuns& runs, const float* x,
                                     const float* g, const uint8_t* mask, float* dw, float* db) {
  Shape s = pooled_part(given);
  Lanes lanes(s);
  Strips strips(s, 1024, 2);
  int64_t K = s.taps(), each = (K + 1) * LANES, size = lanes.sums() * each, parts = lower(s.B, 16);
  int64_t input_rows = Strip(s, strips, 0).input_rows, row_step = s.WP * s.C;
  int64_t image_step = s.padded() ? input_rows * row_step : s.H * row_step;
  int64_t columns = s.Q / 2, groups = lanes.groups(columns);
  auto corners = window_offsets(window_shape(s, 1), strips.images, strips.rows / 2, image_step);
  auto rest_corners = window_offsets(window_shape(s, lanes.together), strips.images, strips.rows / 2, image_step);
  float* sums = scratch(SHARED, size * parts);
  bool clean = true;
  auto body = [&](int64_t part) {
    float* sum = sums + size * part;
    memset(sum, 0, size * sizeof(float));
    int64_t most = strips.images * strips.rows / 2 * groups * LANES;
    float* slopes = scratch(GRADIENT, most);
    auto* bits = reinterpret_cast<uint8_t*>(scratch(BLOCK, most / 4));
    for (int64_t at = strips.count * part / parts; at < strips.count * (part + 1) / parts; at++) {
      Strip strip(s, strips, at);
      const float* input = strip_input(s, x, strip, image_step, LANES);
      int64_t floats = (strip.images - 1) * image_step + strip.input_rows * row_step;
      if (!finite(input, floats)) __atomic_store_n(&clean, false, __ATOMIC_RELAXED);
      int64_t rows = strip.images * strip.rows / 2;
      int64_t from = (strip.first * (s.P / 2) + strip.first_row / 2) * columns * s.O;
      for (int64_t v = 0; v < lanes.vectors; v++)
        runs.weight_gradient(lanes, input, corners.data(), rows * columns, row_step, g + from + v * LANES,
                             mask + from + v * LANES, s.O, sum + v * each);
      if (!lanes.rest) continue;
      gather_rest(s, lanes, rows, g + from, mask + from, slopes, bits);
      runs.weight_gradient_rest(lanes, input, rest_corners.data(), rows * groups, row_step, slopes, bits, LANES,
                                sum + lanes.vectors * each);
    }
  };
  workers.run(parts, body);
  if (!clean) return tiled_weight_gradient(workers, given, x, spread_out(workers, given, g, mask), dw, db);
  add_parts(sums, parts, size, 0, size);
  for (int64_t k = 0; k <= K; k++)
    for (int64_t o = 0; o < s.O; o++) {
      const float* from = sums + o / LANES * each + k * LANES + o % LANES;
      int64_t windows = o < lanes.vectors * LANES ? 1 : lanes.together;
      float total = 0;
      for (int64_t window = 0; window < windows; window++) total += from[window * lanes.rest];
      (k < K ? dw + k * s.O : db)[o] = total;
    }
}

#endif

// y = conv(x) + bias; with a mask, which then says which pixels won, 2x2 max pooling of that, and ReLU if `relu`.
static void forward(Workers& workers, const Shape& s, const float* x, const float* w, const float* bias, float* y,
                    uint8_t* mask, bool relu) {
#if TLX_LANES == 16
  const FewTapsRuns* runs = mask ? few_taps(s) : nullptr;
  if (runs) return few_taps_forward(workers, s, *runs, x, w, bias, y, mask, relu);
#endif
  if (mask) return tiled_forward(workers, s, x, w, bias, y, mask, relu);
  plain_forward(workers, s, x, w, bias, y);
}

// dw and db of y = max_pool(conv(x)).
static void pooled_weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g,
                                   const uint8_t* mask, float* dw, float* db) {
#if TLX_LANES == 16
  if (auto* runs = few_taps(s)) return few_taps_weight_gradient(workers, s, *runs, x, g, mask, dw, db);
#endif
  list_weight_gradient(workers, s, x, g, mask, dw, db);
}
