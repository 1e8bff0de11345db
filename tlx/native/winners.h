// The gradients of a convolution with 2x2 max pooling behind: of four pixels one wins, and only that one has a slope.

// A pixel that won: where its weights or its window begin, and its slope.
struct Winner {
  int32_t at;
  float slope;
};

// Tiles of G kernel rows by N vectors of adjacent taps; their sums leave registers for a slope and a load.
constexpr int MOST_ROWS = 6, MOST_TAPS = 8;

// dx[i, n] += sum over winners of slope * w[at + i, n].
struct WinnersToInput {
  template <int G, int N>
  static void run(const Winner* winner, const Winner* end, const float* w, int64_t w_step, float* dx, int64_t dx_step,
                  int64_t last_lanes) {
    Vec sum[G][N];
    for (int i = 0; i < G; i++)
      for (int n = 0; n < N; n++) sum[i][n] = Vec{};
    for (; winner < end; winner++) {
      const float* from = w + winner->at;
      float slope = winner->slope;
#pragma GCC unroll 6
      for (int i = 0; i < G; i++)
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) sum[i][n] += slope * load(from + i * w_step + n * LANES);
    }
    IntVec keep = first_lanes(last_lanes);  // behind lies the next pixel, and Inf * 0 is NaN
    for (int i = 0; i < G; i++)
      for (int n = 0; n < N; n++) {
        Vec add = n == N - 1 ? (Vec)((IntVec)sum[i][n] & keep) : sum[i][n];
        float* to = dx + i * dx_step + n * LANES;
        store(to, load(to) + add);
      }
  }
};

// dw[i, n] += sum over winners of slope * x[at + i, n].
struct WinnersToWeights {
  template <int G, int N>
  static void run(const Winner* winner, const Winner* end, const float* x, int64_t x_step, float* dw,
                  int64_t dw_step) {
    Vec sum[G][N];
    for (int i = 0; i < G; i++)
      for (int n = 0; n < N; n++) sum[i][n] = load(dw + i * dw_step + n * LANES);
    for (; winner < end; winner++) {
      const float* from = x + winner->at;
      float slope = winner->slope;
#pragma GCC unroll 6
      for (int i = 0; i < G; i++)
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) sum[i][n] += slope * load(from + i * x_step + n * LANES);
    }
    for (int i = 0; i < G; i++)
      for (int n = 0; n < N; n++) store(dw + i * dw_step + n * LANES, sum[i][n]);
  }
};

// Kernel rows that are taken together: as many as registers hold, and as leave the weights of a block in `room` floats.
static int64_t rows_together(const Shape& s, int64_t vectors, int64_t room) {
  int64_t most = lower(lower(s.R, MOST_ROWS), MOST_SUMS / lower(vectors, MOST_TAPS));
  return upper(1, lower(most, room / (s.O * lower(vectors, MOST_TAPS) * LANES)));
}

// Without what pooling drops.
static Shape pooled_part(const Shape& given) {
  Shape s = given;
  s.P = s.P / 2 * 2, s.Q = s.Q / 2 * 2;
  return s;
}

// The gradient spread over the convolution's outputs, for where 0 meets what is not finite, as 0 * Inf is NaN.
static const float* spread_out(Workers& workers, const Shape& s, const float* g, const uint8_t* mask) {
  float* to = scratch(GRADIENT, s.B * s.pixels() * s.O);
  spread(workers, PoolShape{s.B, s.P, s.Q, s.O, 2, 2}, g, mask, to);
  return to;
}

// Pixels that tie share the slope.
TLX_INLINE float share_of(float slope, int bits) {
  if (!(bits & (bits - 1))) return slope;
  return slope / static_cast<float>((bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1));
}

// The winners of one window, a list for each of its four pixels: `at` counts the channels by `step`. What lies behind
// the end of a list is written too.
static void list_by_pixel(int64_t channels, int32_t step, const float* g, const uint8_t* mask, Winner* const* lists,
                          int32_t* const* counts) {
  Winner *a = lists[0], *b = lists[1], *c = lists[2], *d = lists[3];
  int32_t at = 0;
  for (int64_t o = 0; o < channels; o++, at += step) {
    int bits = mask[o];
    Winner winner = {at, share_of(g[o], bits)};
    *a = winner, a += bits & 1;
    *b = winner, b += bits >> 1 & 1;
    *c = winner, c += bits >> 2 & 1;
    *d = winner, d += bits >> 3 & 1;
  }
  *counts[0] = static_cast<int32_t>(a - lists[0]), *counts[1] = static_cast<int32_t>(b - lists[1]);
  *counts[2] = static_cast<int32_t>(c - lists[2]), *counts[3] = static_cast<int32_t>(d - lists[3]);
}

// Appends the winners of one window to the lists of their channels, `room` apart; place[1 << pixel] is where a pixel's
// own window begins. What lies behind the end of a list is written too.
static void list_by_channel(int64_t channels, const int32_t* place, const float* g, const uint8_t* mask,
                            Winner* lists, int64_t room, int32_t* counts) {
  for (int64_t o = 0; o < channels; o++, lists += room) {
    int bits = mask[o];
    int32_t count = counts[o];
    if (bits & (bits - 1)) {
      for (int rest = bits; rest; rest &= rest - 1) lists[count++] = {place[rest & -rest], share_of(g[o], bits)};
    } else {
      lists[count] = {place[bits], g[o]};
      count += bits != 0;
    }
    counts[o] = count;
  }
}

static float sum_slopes(const Winner* winner, const Winner* end) {
  float a = 0, b = 0, c = 0, d = 0;  // four, as each add waits for the one before
  for (; winner + 4 <= end; winner += 4)
    a += winner[0].slope, b += winner[1].slope, c += winner[2].slope, d += winner[3].slope;
  for (; winner < end; winner++) a += winner->slope;
  return (a + b) + (c + d);
}

// w [R,S,C,O] into [groups of `together` kernel rows][o][row][wide], zeros behind a row's taps.
static void turn_weights(Workers& workers, const Shape& s, const float* w, int64_t together, int64_t wide, float* to) {
  int64_t row_taps = s.row_taps(), step = together * wide;
  auto turn = [&](int64_t i) {
    float* into = to + (i / together * s.O * together + i % together) * wide;
    const float* from = w + i * row_taps * s.O;
    for (int64_t o = 0; o < s.O; o++) memset(into + o * step + row_taps, 0, (wide - row_taps) * sizeof(float));
    transpose(from, row_taps, s.O, s.O, into, step);
  };
  if (s.R * s.O * wide < 65536) {
    for (int64_t i = 0; i < s.R; i++) turn(i);
  } else {
    workers.run(s.R, turn);
  }
}

// dx of y = max_pool(conv(x)): dx[window of the winner + k] += g[b,p,q,o] w[k,o].
static void pooled_input_gradient(Workers& workers, const Shape& given, const float* g, const uint8_t* mask,
                                  const float* w, float* dx) {
  Shape s = pooled_part(given);
  if (s.pixels() && !finite(w, s.taps() * s.O))
    return tiled_input_gradient(workers, given, spread_out(workers, given, g, mask), w, dx);
  Strips strips(s, 256, 2);
  if (strips.count == 0) {
    memset(dx, 0, s.B * s.H * s.W * s.C * sizeof(float));
    return;
  }
  int64_t wide = round_up(s.row_taps(), LANES), vectors = wide / LANES, image = s.HP * s.WP * s.C;
  int64_t together = rows_together(s, vectors, 8192);
  float* packed = scratch(SHARED, round_up(s.R, together) * s.O * wide);
  turn_weights(workers, s, w, together, wide, packed);
  auto window = window_offsets(s, strips.images, strips.rows, image);
  auto body = [&](int64_t index) {
    int64_t slack = MOST_TAPS * LANES;  // a window's last vector may reach beyond the image
    float* into = scratch(OUTPUT, strips.images * image + slack);
    Strip whole(s, strips, index * strips.per_image);
    memset(into, 0, (whole.images * image + slack) * sizeof(float));
    int64_t most = strips.images * strips.rows * s.Q, room = s.O + 1;  // pixels of a strip, each with a list
    auto* lists = reinterpret_cast<Winner*>(scratch(GRADIENT, most * room * 2));
    auto* counts = reinterpret_cast<int32_t*>(scratch(BLOCK, most));
    for (int64_t part = 0; part < strips.per_image; part++) {
      Strip strip(s, strips, index * strips.per_image + part);
      int64_t pixels = strip.images * strip.rows * s.Q;
      for (int64_t b = 0; b < strip.images; b++)
        for (int64_t p = 0; p < strip.rows / 2; p++)
          for (int64_t q = 0; q < s.Q / 2; q++) {
            int64_t from = (((strip.first + b) * (s.P / 2) + strip.first_row / 2 + p) * (s.Q / 2) + q) * s.O;
            int64_t m = (b * strip.rows + 2 * p) * s.Q + 2 * q;
            int64_t four[4] = {m, m + 1, m + s.Q, m + s.Q + 1};
            Winner* list[4];
            int32_t* count[4];
            for (int pixel = 0; pixel < 4; pixel++)
              list[pixel] = lists + four[pixel] * room, count[pixel] = counts + four[pixel];
            list_by_pixel(s.O, static_cast<int32_t>(together * wide), g + from, mask + from, list, count);
          }
      for (int64_t i = 0; i < s.R; i += together)
        for (int64_t n = 0; n < vectors; n += MOST_TAPS) {
          int64_t rows = lower(together, s.R - i), many = lower(MOST_TAPS, vectors - n);
          int64_t last_lanes = lower(LANES, s.row_taps() - (n + many - 1) * LANES);
          const float* weights = packed + i * s.O * wide + n * LANES;
          float* to = into + (strip.first_row * s.stride_h + i) * s.WP * s.C + n * LANES;
          for (int64_t m = 0; m < pixels; m++) {
            const Winner *winner = lists + m * room, *end = winner + counts[m];
            if (winner < end)
              run_rows<WinnersToInput, MOST_ROWS, MOST_TAPS>(rows, many, winner, end, weights, wide, to + window[m],
                                                             s.WP * s.C, last_lanes);
          }
        }
    }
    for (int64_t b = 0; b < whole.images; b++)
      for (int64_t h = 0; h < s.H; h++)
        memcpy(dx + ((whole.first + b) * s.H + h) * s.W * s.C, into + b * image + ((h + s.top) * s.WP + s.left) * s.C,
               s.W * s.C * sizeof(float));
  };
  workers.run(strips.count / strips.per_image, body);
}

// dw and db of the same: dw[k,o] += g[b,p,q,o] x[window of the winner + k]. Parts of the images and ranges of channels
// have sums of their own, whatever the number of threads.
static void list_weight_gradient(Workers& workers, const Shape& given, const float* x, const float* g,
                                 const uint8_t* mask, float* dw, float* db) {
  Shape s = pooled_part(given);
  int64_t wide = round_up(s.row_taps(), LANES), vectors = wide / LANES, K = s.taps();
  int64_t per_pixel = upper(1, s.HP * s.WP * s.C / upper(1, s.pixels()));
  Strips strips(s, 10240 / per_pixel, 2);
  if (strips.count == 0) {
    memset(dw, 0, K * s.O * sizeof(float));
    memset(db, 0, s.O * sizeof(float));
    return;
  }
  int64_t each = s.R * wide + LANES, size = s.O * each;  // of a channel: its weights, and its bias in a vector
  int64_t parts = lower(lower(s.B, 16), upper(2, 131072 / size));
  int64_t ranges = upper(1, lower(s.O / 16, 16 / parts)), together = rows_together(s, vectors, int64_t{1} << 40);
  int64_t input_rows = Strip(s, strips, 0).input_rows, image_step = input_rows * s.WP * s.C;
  if (!s.padded()) image_step = s.H * s.W * s.C;
  float* sums = scratch(SHARED, size * parts);
  auto window = window_offsets(s, strips.images, strips.rows, image_step);
  int64_t slack = MOST_TAPS * LANES;  // a window's last vector may reach beyond the last image
  bool clean = true;
  auto body = [&](int64_t index) {
    int64_t part = index / ranges, range = index % ranges;
    int64_t first = s.O * range / ranges, last = s.O * (range + 1) / ranges;
    float* sum = sums + size * part;
    memset(sum + first * each, 0, (last - first) * each * sizeof(float));
    int64_t room = strips.images * strips.rows * s.Q + 1;  // all pixels of a strip may tie
    auto* lists = reinterpret_cast<Winner*>(scratch(GRADIENT, (last - first) * room * 2));
    auto* counts = reinterpret_cast<int32_t*>(scratch(BLOCK, last - first));
    for (int64_t at = strips.count * part / parts; at < strips.count * (part + 1) / parts; at++) {
      Strip strip(s, strips, at);
      const float* input = strip_input(s, x, strip, image_step, slack);
      int64_t floats = (strip.images - 1) * image_step + strip.input_rows * s.WP * s.C;
      if (range == 0 && !finite(input, floats)) __atomic_store_n(&clean, false, __ATOMIC_RELAXED);
      memset(counts, 0, (last - first) * sizeof(int32_t));
      for (int64_t b = 0; b < strip.images; b++)
        for (int64_t p = 0; p < strip.rows / 2; p++)
          for (int64_t q = 0; q < s.Q / 2; q++) {
            int64_t from = (((strip.first + b) * (s.P / 2) + strip.first_row / 2 + p) * (s.Q / 2) + q) * s.O;
            const int64_t* corner = window.data() + (b * strip.rows + 2 * p) * s.Q + 2 * q;
            int32_t place[9] = {};
            place[1] = static_cast<int32_t>(corner[0]), place[2] = static_cast<int32_t>(corner[1]);
            place[4] = static_cast<int32_t>(corner[s.Q]), place[8] = static_cast<int32_t>(corner[s.Q + 1]);
            list_by_channel(last - first, place, g + from + first, mask + from + first, lists, room, counts);
          }
      for (int64_t o = first; o < last; o++) {
        const Winner* winner = lists + (o - first) * room;
        const Winner* end = winner + counts[o - first];
        float* to = sum + o * each;
        to[s.R * wide] += sum_slopes(winner, end);
        for (int64_t i = 0; i < s.R; i += together)
          for (int64_t n = 0; n < vectors; n += MOST_TAPS) {
            const float* from = input + i * s.WP * s.C + n * LANES;
            run_rows<WinnersToWeights, MOST_ROWS, MOST_TAPS>(lower(together, s.R - i), lower(MOST_TAPS, vectors - n),
                                                             winner, end, from, s.WP * s.C, to + i * wide + n * LANES,
                                                             wide);
          }
      }
    }
  };
  workers.run(parts * ranges, body);
  if (!clean) return tiled_weight_gradient(workers, given, x, spread_out(workers, given, g, mask), dw, db);
  int64_t pieces = (s.O + 15) / 16;
  auto finish = [&](int64_t piece) {
    int64_t first = piece * 16, last = lower(first + 16, s.O);
    add_parts(sums, parts, size, first * each, last * each);
    for (int64_t k = 0; k < K; k++) {
      const float* from = sums + k / s.row_taps() * wide + k % s.row_taps();
      for (int64_t o = first; o < last; o++) dw[k * s.O + o] = from[o * each];
    }
    for (int64_t o = first; o < last; o++) db[o] = sums[o * each + s.R * wide];
  };
  workers.run(pieces, finish);
}
