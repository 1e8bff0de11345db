// Convolution, with 2x2 max pooling and ReLU behind or without, and its two gradients without.

// A float behind one of four pointers: where all of a tile's pixels have their own, registers do not suffice.
TLX_INLINE float one_of_four(int which, const float* a, const float* b, const float* c, const float* d, int64_t at) {
  switch (which) {
    case 0: return a[at];
    case 1: return b[at];
    case 2: return c[at];
    default: return d[at];
  }
}

// y[p, n] (+)= sum_k x[p, k] w[k, n]: P pixels by N vectors of output channels, over `rows` runs of `taps` each.
struct ForwardTile {
  static constexpr int WIDEST = MOST_VECTORS;
  template <int P, int N>
  static void run(const float* x, const int64_t* window, int64_t row_step, int64_t rows, int64_t taps, const float* w,
                  const float* bias, float* y, int64_t y_step) {
    Vec sum[P][N];
    const float* at[P];
    for (int p = 0; p < P; p++) {
      at[p] = x + window[p];
      for (int n = 0; n < N; n++) sum[p][n] = load(bias ? bias + n * LANES : y + p * y_step + n * LANES);
    }
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t k = 0; k < taps; k++) {
        Vec weight[N];
        for (int n = 0; n < N; n++) weight[n] = load(w + n * LANES);
        w += N * LANES;
#pragma GCC unroll 12
        for (int p = 0; p < P; p++) {
          float pixel = at[p][k];
#pragma GCC unroll 4
          for (int n = 0; n < N; n++) sum[p][n] += pixel * weight[n];
        }
      }
      for (int p = 0; p < P; p++) at[p] += row_step;
    }
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) store(y + p * y_step + n * LANES, sum[p][n]);
  }
};

// The same for pixels whose windows begin `step` apart: a few pointers reach all of them.
struct EvenForwardTile {
  static constexpr int WIDEST = MOST_VECTORS;
  template <int P, int N>
  static void run(const float* x, int64_t step, int64_t row_step, int64_t rows, int64_t taps, const float* w,
                  const float* bias, float* y, int64_t y_step) {
    Vec sum[P][N];
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) sum[p][n] = load(bias ? bias + n * LANES : y + p * y_step + n * LANES);
    for (int64_t i = 0; i < rows; i++, x += row_step) {
      const float *third = x + 3 * step, *sixth = x + 6 * step, *ninth = x + 9 * step;
      for (int64_t k = 0; k < taps; k++) {
        Vec weight[N];
        for (int n = 0; n < N; n++) weight[n] = load(w + n * LANES);
        w += N * LANES;
#pragma GCC unroll 12
        for (int p = 0; p < P; p++) {
          float pixel = one_of_four(p / 3, x, third, sixth, ninth, p % 3 * step + k);
#pragma GCC unroll 4
          for (int n = 0; n < N; n++) sum[p][n] += pixel * weight[n];
        }
      }
    }
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) store(y + p * y_step + n * LANES, sum[p][n]);
  }
};

TLX_INLINE float sum_lanes(Vec v) {
  float lanes[LANES];
  store(lanes, v);
  for (int half = LANES / 2; half; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

// y[p, z] = bias[z] + sum_k x[p, k] w[z, k]: P pixels by Z channels, a few too many for whole vectors of them. Taps
// lie in the lanes, so w is [z, rows, wide], zeros behind a row's taps.
struct DotTile {
  template <int P, int Z>
  static void run(const float* x, const int64_t* window, int64_t row_step, int64_t rows, int64_t taps, const float* w,
                  int64_t w_step, const float* bias, float* y, int64_t y_step) {
    Vec sum[P][Z];
    const float* at[P];
    for (int p = 0; p < P; p++) {
      at[p] = x + window[p];
      for (int z = 0; z < Z; z++) sum[p][z] = Vec{};
    }
    IntVec keep = first_lanes(taps % LANES);  // behind lies the next pixel, and Inf * 0 is NaN
    for (int64_t i = 0; i < rows; i++) {
      int64_t k = 0;
      for (; k + LANES <= taps; k += LANES, w += LANES)
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
          Vec pixels = load(at[p] + k);
#pragma GCC unroll 4
          for (int z = 0; z < Z; z++) sum[p][z] += pixels * load(w + z * w_step);
        }
      if (k < taps) {
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
          Vec pixels = (Vec)((IntVec)load(at[p] + k) & keep);
#pragma GCC unroll 4
          for (int z = 0; z < Z; z++) sum[p][z] += pixels * load(w + z * w_step);
        }
        w += LANES;
      }
      for (int p = 0; p < P; p++) at[p] += row_step;
    }
    for (int p = 0; p < P; p++)
      for (int z = 0; z < Z; z++) y[p * y_step + z] = bias[z] + sum_lanes(sum[p][z]);
  }
};
constexpr int MOST_DOTS = 4;

// How many channels behind the last whole vector are cheaper by dot products than by a vector with empty lanes.
static int64_t dot_channels(const Shape& s) {
  int64_t rest = s.O % LANES, products = s.R * (round_up(s.row_taps(), LANES) / LANES) + 10;
  return s.O > LANES && rest <= MOST_DOTS && rest * products * 3 < 2 * s.taps() ? rest : 0;
}

// dx[window p + n] += sum_o g[p, o] w[o, n]: P output pixels by N vectors of adjacent taps.
struct InputGradientTile {
  static constexpr int WIDEST = MOST_VECTORS;
  template <int P, int N>
  static void run(const float* g, int64_t g_step, int64_t channels, const float* w, int64_t last_lanes, float* dx,
                  const int64_t* window) {
    Vec sum[P][N];
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) sum[p][n] = Vec{};
    const float *third = g + 3 * g_step, *sixth = g + 6 * g_step, *ninth = g + 9 * g_step;
    for (int64_t o = 0; o < channels; o++) {
      Vec weight[N];
      for (int n = 0; n < N; n++) weight[n] = load(w + n * LANES);
      w += N * LANES;
#pragma GCC unroll 12
      for (int p = 0; p < P; p++) {
        float slope = one_of_four(p / 3, g, third, sixth, ninth, p % 3 * g_step + o);
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) sum[p][n] += slope * weight[n];
      }
    }
    IntVec keep = first_lanes(last_lanes);  // behind lies the next pixel, and Inf * 0 is NaN
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) {
        Vec add = n == N - 1 ? (Vec)((IntVec)sum[p][n] & keep) : sum[p][n];
        float* to = dx + window[p] + n * LANES;
        store(to, load(to) + add);
      }
  }
};

// dw[k, n] += sum_m x[m, k] g[m, n]: P taps by N vectors of output channels, over `pixels`. ADJACENT taps are of one
// kernel row, so that one pointer reaches them.
template <bool ADJACENT>
struct WeightGradientTile {
  static constexpr int WIDEST = MOST_VECTORS;
  template <int P, int N>
  static void run(const float* x, const int64_t* tap, const int64_t* window, int64_t pixels, const float* g,
                  int64_t g_step, float* dw, int64_t dw_step) {
    Vec sum[P][N];
    const float* at[P];
    for (int p = 0; p < P; p++) {
      at[p] = x + tap[p];
      for (int n = 0; n < N; n++) sum[p][n] = load(dw + p * dw_step + n * LANES);
    }
    for (int64_t m = 0; m < pixels; m++) {
      Vec slope[N];
      for (int n = 0; n < N; n++) slope[n] = load(g + n * LANES);
      g += g_step;
      int64_t place = window[m];
      __builtin_prefetch(at[0] + window[m + AHEAD]);
#pragma GCC unroll 12
      for (int p = 0; p < P; p++) {
        float pixel = ADJACENT ? at[0][place + p] : at[p][place];
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) sum[p][n] += pixel * slope[n];
      }
    }
    for (int p = 0; p < P; p++)
      for (int n = 0; n < N; n++) store(dw + p * dw_step + n * LANES, sum[p][n]);
  }
};

// `some` of the channels of w [K,O] into blocks, [K, width] each, zeros behind them.
static void pack_weights(Workers& workers, const float* w, int64_t K, int64_t O, int64_t some, float* to) {
  int64_t pieces = upper(1, lower(64, K * O / 32768));
  auto pack = [&](int64_t piece) {
    int64_t from = K * piece / pieces, end = K * (piece + 1) / pieces;
    for (int64_t n = 0; n < block_count(some); n++) {
      Block block(some, n);
      float* into = to + K * block.first;
      for (int64_t k = from; k < end; k++)
        copy_pixels(w + k * O + block.first, 1, block.valid, block.width, into + k * block.width);
    }
  };
  workers.run(pieces, pack);
}

// y[b,p,q,o] = b[o] + sum_ijc x[b, s p + i, s q + j, c] w[i,j,c,o]; with a mask: 2x2 max pooling of that, and ReLU.
static void tiled_forward(Workers& workers, const Shape& given, const float* x, const float* w, const float* bias,
                          float* y, uint8_t* mask, bool relu) {
  Shape s = given;
  if (mask) s.P = s.P / 2 * 2, s.Q = s.Q / 2 * 2;  // what pooling drops is not computed
  Strips strips(s, 192, mask ? 2 : 1);
  if (strips.count == 0) return;
  int64_t room = round_up(s.O, LANES), K = s.taps();
  int64_t dots = dot_channels(s), tiled = s.O - dots, wide = round_up(s.row_taps(), LANES);
  float* packed = scratch(SHARED, K * room + room + dots * s.R * wide);
  float *biases = packed + K * room, *dotted = biases + room;
  copy_pixels(bias, 1, s.O, room, biases);
  pack_weights(workers, w, K, s.O, tiled, packed);
  for (int64_t z = 0; z < dots; z++)
    for (int64_t i = 0; i < s.R; i++)
      for (int64_t k = 0; k < wide; k++)
        dotted[(z * s.R + i) * wide + k] = k < s.row_taps() ? w[(i * s.row_taps() + k) * s.O + tiled + z] : 0;
  int64_t input_rows = Strip(s, strips, 0).input_rows;
  int64_t image_step = (s.padded() ? input_rows * s.WP : s.H * s.W) * s.C;
  auto window = window_offsets(s, strips.images, strips.rows, image_step);
  bool whole = room == s.O && !mask;
  auto body = [&](int64_t index) {
    Strip strip(s, strips, index);
    int64_t pixels = strip.images * strip.rows * s.Q;
    const float* input = strip_input(s, x, strip, image_step, dots ? LANES : 0);
    int64_t first_pixel = strip.first * s.pixels() + strip.first_row * s.Q;
    float* output = whole ? y + first_pixel * s.O : scratch(OUTPUT, strips.images * strips.rows * s.Q * room);
    for (int64_t n = 0; n < block_count(tiled); n++) {
      Block block(tiled, n);
      int64_t fit = PANEL / block.width;
      int64_t row_count = upper(1, lower(s.R, fit / s.row_taps())), tap_count = lower(s.row_taps(), fit);
      for (int64_t i = 0; i < s.R; i += row_count)
        for (int64_t k = 0; k < s.row_taps(); k += tap_count) {
          const float* weights = packed + K * block.first + (i * s.row_taps() + k) * block.width;
          for (int64_t m = 0, P; m < pixels; m += P) {
            P = next_rows(block.N, pixels - m);
            const float *from = input + i * s.WP * s.C + k, *start = i + k ? nullptr : biases + block.first;
            int64_t run_count = lower(row_count, s.R - i), taps = lower(tap_count, s.row_taps() - k);
            float* to = output + m * room + block.first;
            if (m % s.Q + P <= s.Q)
              run_tile<EvenForwardTile>(static_cast<int>(P), block.N, from + window[m], s.stride_w * s.C, s.WP * s.C,
                                        run_count, taps, weights, start, to, room);
            else
              run_tile<ForwardTile>(static_cast<int>(P), block.N, from, window.data() + m, s.WP * s.C, run_count, taps,
                                    weights, start, to, room);
          }
        }
    }
    for (int64_t m = 0, P; dots && m < pixels; m += P) {
      P = lower(lower(4, MOST_SUMS / dots), pixels - m);
      run_rows<DotTile, 4, MOST_DOTS>(P, dots, input, window.data() + m, s.WP * s.C, s.R, s.row_taps(), dotted,
                                      s.R * wide, biases + tiled, output + m * room + tiled, room);
    }
    if (mask) {
      Windows at{strip.rows / 2, s.Q / 2, s.O, s.Q * room, room, 2, 2};
      for (int64_t b = 0; b < strip.images; b++) {
        int64_t to = ((strip.first + b) * (s.P / 2) + strip.first_row / 2) * (s.Q / 2) * s.O;
        windows<MAXIMUM>(at, output + b * strip.rows * s.Q * room, relu, y + to, mask + to);
      }
    } else if (!whole) {
      float* to = y + first_pixel * s.O;
      for (int64_t m = 0; m < pixels; m++) memcpy(to + m * s.O, output + m * room, s.O * sizeof(float));
    }
  };
  workers.run(strips.count, body);
}

// dx[b, s p + i, s q + j, c] += sum_o g[b,p,q,o] w[i,j,c,o].
static void tiled_input_gradient(Workers& workers, const Shape& s, const float* g, const float* w, float* dx) {
  if (s.pixels() == 0) {
    memset(dx, 0, s.B * s.H * s.W * s.C * sizeof(float));
    return;
  }
  // Windows overlap, so an image is one thread's; `step` outputs at a time meet all weights.
  int64_t step = s.pixels() <= 192 ? s.pixels() : 96, images = s.pixels() <= 48 ? lower(96 / s.pixels(), s.B) : 1;
  images = upper(1, lower(images, (s.B + 1) / 2));
  if (images > 1) step = images * s.pixels();
  int64_t row_taps = s.row_taps(), wide = round_up(row_taps, LANES), image = s.HP * s.WP * s.C;
  float* packed = scratch(SHARED, s.R * s.O * wide);  // [kernel row][block of taps][o][width]
  int64_t blocks = block_count(row_taps);
  auto pack = [&](int64_t index) {
    int64_t i = index / blocks;
    Block block(row_taps, index % blocks);
    const float* from = w + (i * row_taps + block.first) * s.O;
    float* to = packed + i * s.O * wide + s.O * block.first;
    for (int64_t o = 0; o < s.O; o++)
      memset(to + o * block.width + block.valid, 0, (block.width - block.valid) * sizeof(float));
    transpose(from, block.valid, s.O, s.O, to, block.width);
  };
  if (s.R * s.O * wide < 65536) {
    for (int64_t i = 0; i < s.R * blocks; i++) pack(i);
  } else {
    workers.run(s.R * blocks, pack);
  }
  auto window = window_offsets(s, images, s.P, image);
  auto body = [&](int64_t index) {
    int64_t first = index * images, many = lower(images, s.B - first), pixels = many * s.pixels();
    const float* slope = g + first * s.pixels() * s.O;
    int64_t slack = MOST_VECTORS * LANES;  // a window's last vector may reach beyond the image
    float* into = scratch(OUTPUT, images * image + slack);
    memset(into, 0, (many * image + slack) * sizeof(float));
    for (int64_t from = 0; from < pixels; from += step)
      for (int64_t i = 0; i < s.R; i++)
        for (int64_t n = 0; n < blocks; n++) {
          Block block(row_taps, n);
          int64_t channels = PANEL / block.width, end = lower(from + step, pixels);
          for (int64_t o = 0; o < s.O; o += channels) {
            const float* weights = packed + i * s.O * wide + s.O * block.first + o * block.width;
            for (int64_t m = from, P; m < end; m += P) {
              P = next_rows(block.N, end - m);
              run_tile<InputGradientTile>(static_cast<int>(P), block.N, slope + m * s.O + o, s.O,
                                          lower(channels, s.O - o), weights, block.valid - (block.N - 1) * LANES,
                                          into + i * s.WP * s.C + block.first, window.data() + m);
            }
          }
        }
    for (int64_t b = 0; b < many; b++)
      for (int64_t h = 0; h < s.H; h++)
        memcpy(dx + ((first + b) * s.H + h) * s.W * s.C, into + b * image + ((h + s.top) * s.WP + s.left) * s.C,
               s.W * s.C * sizeof(float));
  };
  workers.run((s.B + images - 1) / images, body);
}

// Blocks of channels that are summed together: for all but the first, x comes from the first cache.
constexpr int64_t TEAM = 64 / (MOST_VECTORS * LANES) > 1 ? 64 / (MOST_VECTORS * LANES) : 1;
constexpr int64_t team_count(int64_t O) { return (block_count(O) + TEAM - 1) / TEAM; }

// Adds to the sums of the taps [from, end) and of one team of channels what `pixels` give. The team's part of g is
// packed first: rows of g often lie apart by a power of two, and would push each other out of the cache.
static void add_weight_gradient(const Shape& s, int64_t team, const float* x, const int64_t* tap, int64_t from,
                                int64_t end, const int64_t* window, int64_t pixels, const float* g, int64_t g_step,
                                float* dw, int64_t dw_step, float* db) {
  int64_t first = team * TEAM, last = lower(block_count(s.O), first + TEAM);
  const float* slope[TEAM] = {};
  float* to = scratch(BLOCK, pixels * TEAM * MOST_VECTORS * LANES);
  for (int64_t n = first; n < last; n++) {
    Block block(s.O, n);
    slope[n - first] = g;
    if (block.width == g_step) continue;
    slope[n - first] = to;
    for (int64_t m = 0; m < pixels; m++, to += block.width)
      for (int i = 0; i < block.N; i++)
        store(to + i * LANES, load_part(g + m * g_step + block.first + i * LANES, block.valid - i * LANES));
  }
  for (int64_t n = first; db && n < last; n++) {
    Block block(s.O, n);
    for (int i = 0; i < block.N; i++) {
      const float* at = slope[n - first] + i * LANES;
      float* total = db + block.first + i * LANES;
      Vec sum[4] = {load(total)};  // four, as each add waits for the one before
      int64_t m = 0;
      for (; m + 3 < pixels; m += 4)
        for (int j = 0; j < 4; j++) sum[j] += load(at + (m + j) * block.width);
      for (; m < pixels; m++) sum[0] += load(at + m * block.width);
      store(total, (sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
  }
  for (int64_t k = from, P; k < end; k += P) {
    P = next_rows(Block(s.O, first).N, end - k);
    for (int64_t n = first; n < last; n++) {
      Block block(s.O, n);
      float* to = dw + k * dw_step + block.first;
      if (k % s.row_taps() + P <= s.row_taps())
        run_tile<WeightGradientTile<true>>(static_cast<int>(P), block.N, x, tap + k, window, pixels, slope[n - first],
                                           block.width, to, dw_step);
      else
        run_tile<WeightGradientTile<false>>(static_cast<int>(P), block.N, x, tap + k, window, pixels, slope[n - first],
                                            block.width, to, dw_step);
    }
  }
}

// Few weights: `parts` sums over fixed images, each strip's inputs padded where they are used.
static void small_weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g, int64_t parts,
                                  float* sums) {
  Strips strips(s, 256, 1);
  int64_t room = round_up(s.O, LANES), size = (s.taps() + 1) * room;
  int64_t input_rows = Strip(s, strips, 0).input_rows;
  int64_t image_step = (s.padded() ? input_rows * s.WP : s.H * s.W) * s.C;
  auto window = window_offsets(s, strips.images, strips.rows, image_step);
  auto tap = tap_offsets(s);
  auto body = [&](int64_t part) {
    float* sum = sums + size * part;
    memset(sum, 0, size * sizeof(float));
    for (int64_t index = strips.count * part / parts; index < strips.count * (part + 1) / parts; index++) {
      Strip strip(s, strips, index);
      int64_t pixels = strip.images * strip.rows * s.Q;
      const float* input = strip_input(s, x, strip, image_step, 0);
      const float* slope = g + (strip.first * s.pixels() + strip.first_row * s.Q) * s.O;
      for (int64_t team = 0; team < team_count(s.O); team++)
        add_weight_gradient(s, team, input, tap.data(), 0, s.taps(), window.data(), pixels, slope, s.O, sum, room,
                            sum + s.taps() * room);
    }
  };
  workers.run(parts, body);
}

// How the sums of many weights are divided. A range of taps is long, as it reads all images, and its sums stay in the
// second cache; where taps and channels make few units, images are divided too, each part with sums of its own.
struct Division {
  int64_t teams, ranges, parts;

  Division(int64_t K, int64_t O, int64_t B) {
    teams = team_count(O);
    ranges = upper(upper(1, K / 4096), lower(K / 800, (15 + teams) / teams));
    parts = upper(1, lower(lower(4, B), 8 / (teams * ranges)));
  }
};

// Many weights: units of taps, teams of channels, and images. As many padded images as fit the second cache are laid
// out at a time.
static void large_weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g,
                                  const Division& division, float* sums) {
  int64_t room = round_up(s.O, LANES), K = s.taps(), size = (K + 1) * room;
  int64_t gap = s.padded() ? LANES : 0;  // rows a power of two apart would push each other out of the first cache
  int64_t image_step = s.padded() ? s.HP * (s.WP * s.C + gap) : s.H * s.W * s.C;
  int64_t chunk = s.padded() ? upper(1, lower(s.B, (int64_t{1} << 18) / image_step)) : s.B;
  int64_t images = upper(1, lower(chunk, 128 / s.pixels())), group = 128;
  float* padded = s.padded() ? scratch(INPUT, chunk * image_step) : nullptr;
  auto window = window_offsets(s, images, s.P, image_step, gap);
  auto tap = tap_offsets(s, gap);
  Strips one_by_one(s, 0, s.P);
  for (int64_t start = 0; start < s.B; start += chunk) {
    int64_t count = lower(chunk, s.B - start);
    auto lay_out = [&](int64_t b) {
      pad_strip(s, x, Strip(s, one_by_one, start + b), s.C, padded + b * image_step, gap);
    };
    if (padded) workers.run(count, lay_out);
    const float* input = padded ? padded : x + start * image_step;
    const float* slope = g + start * s.pixels() * s.O;
    auto body = [&](int64_t index) {
      int64_t team = index % division.teams, range = index / division.teams % division.ranges;
      int64_t part = index / division.teams / division.ranges;
      int64_t first = K * range / division.ranges, last = K * (range + 1) / division.ranges;
      float* sum = sums + size * part;
      float* total = range == 0 ? sum + K * room : nullptr;
      int64_t channel = team * TEAM * MOST_VECTORS * LANES, width = lower(TEAM * MOST_VECTORS * LANES, room - channel);
      if (start == 0) {
        for (int64_t k = first; k < last; k++) memset(sum + k * room + channel, 0, width * sizeof(float));
        if (total) memset(total + channel, 0, width * sizeof(float));
      }
      int64_t end = count * (part + 1) / division.parts;
      for (int64_t b = count * part / division.parts; b < end; b += images) {
        int64_t pixels = lower(images, end - b) * s.pixels();
        for (int64_t m = 0; m < pixels; m += group)
          add_weight_gradient(s, team, input + b * image_step, tap.data(), first, last, window.data() + m,
                              lower(group, pixels - m), slope + (b * s.pixels() + m) * s.O, s.O, sum, room, total);
      }
    };
    workers.run(division.teams * division.ranges * division.parts, body);
  }
}

// dw[i,j,c,o] = sum_bpq x[b, s p + i, s q + j, c] g[b,p,q,o] and db[o] = sum_bpq g[b,p,q,o].
static void tiled_weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g, float* dw,
                                  float* db) {
  int64_t K = s.taps();
  if (s.B * s.pixels() == 0) {
    memset(dw, 0, K * s.O * sizeof(float));
    memset(db, 0, s.O * sizeof(float));
    return;
  }
  int64_t room = round_up(s.O, LANES), size = (K + 1) * room;
  bool small = size <= 131072;
  Division division(K, s.O, s.B);
  int64_t parts = small ? lower(lower(s.B, 16), upper(2, 131072 / size)) : division.parts;
  float* sums = scratch(SHARED, size * parts);
  if (small)
    small_weight_gradient(workers, s, x, g, parts, sums);
  else
    large_weight_gradient(workers, s, x, g, division, sums);
  int64_t pieces = upper(1, lower(64, parts * size / 65536));
  auto finish = [&](int64_t piece) {
    int64_t from = (K + 1) * piece / pieces, end = (K + 1) * (piece + 1) / pieces;
    add_parts(sums, parts, size, from * room, end * room);
    for (int64_t k = from; k < end; k++) memcpy(k < K ? dw + k * s.O : db, sums + k * room, s.O * sizeof(float));
  };
  workers.run(pieces, finish);
}
