// A convolution of 3x3 taps, or of 5x5 with strides of 2, by fewer products: four sums of inputs times four of taps
// give two outputs of three taps, which have six. With strides of 2 the taps of even and of odd places are filters of
// their own, of three and of two. A rounding is as large as a tile's inputs make it, where one of them is outside of an
// output's window too; Inf - Inf would be NaN, so what is not finite goes the plain way.
//
// Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.

// In one dimension: product i is (sum of inputs by input[i]) * (sum of taps by tap[i]), and goes to the two outputs by
// output[i]. The gradients are the transposes.
constexpr int MOST_PRODUCTS = 7;
struct Filter {
  int stride, taps, inputs, products;
  float input[MOST_PRODUCTS][7], tap[MOST_PRODUCTS][5], output[MOST_PRODUCTS][2];
};
constexpr Filter THREE_TAPS = {1,
                               3,
                               4,
                               4,
                               {{1, 0, -1}, {0, 1, 1}, {0, -1, 1}, {0, 1, 0, -1}},
                               {{1}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}},
                               {{1, 0}, {1, 1}, {1, -1}, {0, -1}}};
constexpr Filter FIVE_TAPS_BY_TWO = {
    2,
    5,
    7,
    7,
    {{1, 0, 0, 0, -1},
     {0, 0, 1, 0, 1},
     {0, 0, -1, 0, 1},
     {0, 0, 1, 0, 0, 0, -1},
     {0, 1, 0, -1},
     {0, 0, 0, 1},
     {0, 0, 0, -1, 0, 1}},
    {{1}, {.5f, 0, .5f, 0, .5f}, {.5f, 0, -.5f, 0, .5f}, {0, 0, 0, 0, 1}, {0, 1}, {0, 1, 0, 1}, {0, 0, 0, 1}},
    {{1, 0}, {1, 1}, {1, -1}, {0, -1}, {1, 0}, {1, 1}, {0, 1}}};

// Null where there is none, or where it would not pay.
static const Filter* filter_of(const Shape& s) {
  bool wide = s.C % LANES == 0 && s.O % LANES == 0 && s.C >= 64 && s.O >= 64;
  bool many = s.B * s.pixels() >= 256;  // with few the sums of taps take longer than the products that they spare
  if (!wide || !many || s.R != s.S || s.stride_h != s.stride_w) return nullptr;
  if (s.R == 3 && s.stride_h == 1) return &THREE_TAPS;
  return s.R == 5 && s.stride_h == 2 ? &FIVE_TAPS_BY_TWO : nullptr;
}

// A sum of pixels: where each lies, and by what it is multiplied.
struct Terms {
  int count = 0;
  int64_t at[9];
  float by[9];
};
static Terms terms_of(const float* rows, const float* columns, int size, int64_t row_step, int64_t step) {
  Terms terms;
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++)
      if (rows[i] * columns[j] != 0) {
        terms.at[terms.count] = i * row_step + j * step;
        terms.by[terms.count++] = rows[i] * columns[j];
      }
  return terms;
}

// The terms of every product in two dimensions, over inputs, taps and outputs.
struct Products {
  int count = 0;
  Terms input[MOST_PRODUCTS * MOST_PRODUCTS], tap[MOST_PRODUCTS * MOST_PRODUCTS];
  Terms output[MOST_PRODUCTS * MOST_PRODUCTS];

  Products(const Filter& f, const Shape& s) {
    for (int i = 0; i < f.products; i++)
      for (int j = 0; j < f.products; j++, count++) {
        input[count] = terms_of(f.input[i], f.input[j], f.inputs, s.WP * s.C, s.C);
        tap[count] = terms_of(f.tap[i], f.tap[j], f.taps, f.taps * s.C * s.O, s.C * s.O);
        output[count] = terms_of(f.output[i], f.output[j], 2, s.Q * s.O, s.O);
      }
  }
};

// to[t] = sum of the terms at from + place[t], `channels` each; or the transpose, which adds from[t] to the terms at
// to + place[t]. Terms are copied, as a store of floats might be one to them.
template <bool GATHER, int COUNT>
static void move_some(const Terms& terms, const float* from, const int64_t* place, int64_t count, int64_t channels,
                      float* to) {
  int64_t at[COUNT];
  float by[COUNT];
  for (int n = 0; n < COUNT; n++) at[n] = terms.at[n], by[n] = terms.by[n];
  for (int64_t t = 0; t < count; t++)
    for (int64_t c = 0; c < channels; c += LANES) {
      if (GATHER) {
        const float* x = from + place[t] + c;
        Vec sum = by[0] * load(x + at[0]);
#pragma GCC unroll 9
        for (int n = 1; n < COUNT; n++) sum += by[n] * load(x + at[n]);
        store(to + t * channels + c, sum);
      } else {
        float* y = to + place[t] + c;
        Vec part = load(from + t * channels + c);
#pragma GCC unroll 9
        for (int n = 0; n < COUNT; n++) store(y + at[n], load(y + at[n]) + by[n] * part);
      }
    }
}
template <bool GATHER>
static void move(const Terms& terms, const float* from, const int64_t* place, int64_t count, int64_t channels,
                 float* to) {
  switch (terms.count) {
    case 1: return move_some<GATHER, 1>(terms, from, place, count, channels, to);
    case 2: return move_some<GATHER, 2>(terms, from, place, count, channels, to);
    case 3: return move_some<GATHER, 3>(terms, from, place, count, channels, to);
    case 4: return move_some<GATHER, 4>(terms, from, place, count, channels, to);
    case 6: return move_some<GATHER, 6>(terms, from, place, count, channels, to);
    default: return move_some<GATHER, 9>(terms, from, place, count, channels, to);
  }
}
static void gather(const Terms& terms, const float* from, const int64_t* place, int64_t count, int64_t channels,
                   float* to) {
  move<true>(terms, from, place, count, channels, to);
}
static void scatter(const Terms& terms, const float* from, const int64_t* place, int64_t count, int64_t channels,
                    float* to) {
  move<false>(terms, from, place, count, channels, to);
}

// The sums of taps of every product, [product][block of O][C][width of the block], from w [taps][C][O].
static void filter_weights(Workers& workers, const Products& products, const float* w, int64_t C, int64_t O,
                           float* to) {
  auto one = [&](int64_t c) {  // all products of a channel, whose taps then come from the first cache
    for (int k = 0; k < products.count; k++)
      for (int64_t n = 0; n < block_count(O); n++) {
        Block block(O, n);
        int64_t place = c * O + block.first;
        gather(products.tap[k], w, &place, 1, block.width, to + k * C * O + C * block.first + c * block.width);
      }
  };
  workers.run(C, one);
}

// y [rows, O] = x [rows, K] w, w in blocks of O.
static void multiply(const float* x, int64_t rows, int64_t K, const float* w, int64_t O, float* y) {
  static const float zeros[MOST_VECTORS * LANES] = {};
  for (int64_t n = 0; n < block_count(O); n++) {
    Block block(O, n);
    int64_t taps = PANEL / block.width;
    for (int64_t k = 0; k < K; k += taps)
      for (int64_t m = 0, P; m < rows; m += P) {
        P = next_rows(block.N, rows - m);
        run_tile<EvenForwardTile>(static_cast<int>(P), block.N, x + m * K + k, K, int64_t{0}, int64_t{1},
                                  lower(taps, K - k), w + K * block.first + k * block.width, k ? nullptr : zeros,
                                  y + m * O + block.first, O);
      }
  }
}

// With even outputs, and zeros behind the inputs for those that were added.
static Shape even_shape(const Shape& given) {
  Shape s = given;
  s.P = round_up(s.P, 2), s.Q = round_up(s.Q, 2);
  s.HP = upper(s.HP, (s.P - 1) * s.stride_h + s.R), s.WP = upper(s.WP, (s.Q - 1) * s.stride_w + s.S);
  return s;
}

// Tiles of 2x2 outputs, in order, of `images` whole images; and where they begin among the inputs and the outputs.
constexpr int64_t TILES = 128;  // that meet a product's weights together
struct Tiles {
  int64_t per_image, images;
  std::vector<int64_t> input, output;

  Tiles(const Shape& s, int64_t many, int64_t most, int64_t image_step)
      : per_image(s.P / 2 * (s.Q / 2)),
        images(upper(1, lower(many, most / per_image))),
        input(window_offsets(input_tiles(s), images, s.P / 2, image_step)),
        output(window_offsets(output_tiles(s), images, s.P / 2, s.pixels() * s.O)) {}

  static Shape input_tiles(Shape s) {
    s.P /= 2, s.Q /= 2, s.stride_h *= 2, s.stride_w *= 2;
    return s;
  }
  static Shape output_tiles(Shape s) {
    s.WP = s.Q, s.C = s.O, s.P /= 2, s.Q /= 2, s.stride_h = s.stride_w = 2;
    return s;
  }
};

// The slopes of whole images with those of the outputs that were added, zero; `to` where there are some.
static const float* even_slopes(const Shape& given, const Shape& s, const float* g, int64_t first, int64_t images,
                                float* to) {
  const float* from = g + first * given.pixels() * s.O;
  if (s.P == given.P && s.Q == given.Q) return from;
  for (int64_t b = 0; b < images; b++)
    for (int64_t p = 0; p < s.P; p++, to += s.Q * s.O) {
      int64_t some = p < given.P ? given.Q * s.O : 0;
      memcpy(to, from + (b * given.P + p) * given.Q * s.O, some * sizeof(float));
      memset(to + some, 0, (s.Q * s.O - some) * sizeof(float));
    }
  return to - images * s.pixels() * s.O;
}

static bool winograd_forward(Workers& workers, const Shape& given, const Filter& f, const float* x, const float* w,
                             const float* bias, float* y) {
  Shape s = even_shape(given);
  if (!finite(w, s.taps() * s.O)) return false;
  Products products(f, s);
  float* weights = scratch(SHARED, products.count * s.C * s.O);
  filter_weights(workers, products, w, s.C, s.O, weights);
  int64_t image_step = ((s.P - 1) * s.stride_h + s.R) * s.WP * s.C;
  Tiles tiles(s, (s.B + 1) / 2, TILES, image_step);
  Strips one_by_one(s, 0, s.P);
  bool clean = true, whole = s.P == given.P && s.Q == given.Q;
  auto body = [&](int64_t index) {
    int64_t first = index * tiles.images, images = lower(tiles.images, s.B - first);
    float* input = scratch(INPUT, images * image_step);
    for (int64_t b = 0; b < images; b++)
      pad_strip(s, x, Strip(s, one_by_one, first + b), s.C, input + b * image_step);
    if (!finite(input, images * image_step)) __atomic_store_n(&clean, false, __ATOMIC_RELAXED);
    float* output = whole ? y + first * s.pixels() * s.O : scratch(OUTPUT, images * s.pixels() * s.O);
    for (int64_t m = 0; m < images * s.pixels(); m++) memcpy(output + m * s.O, bias, s.O * sizeof(float));
    float *sums = scratch(GRADIENT, TILES * s.C), *product = scratch(BLOCK, TILES * s.O);
    for (int64_t t = 0; t < images * tiles.per_image; t += TILES) {
      int64_t count = lower(TILES, images * tiles.per_image - t);
      for (int k = 0; k < products.count; k++) {
        gather(products.input[k], input, tiles.input.data() + t, count, s.C, sums);
        multiply(sums, count, s.C, weights + k * s.C * s.O, s.O, product);
        scatter(products.output[k], product, tiles.output.data() + t, count, s.O, output);
      }
    }
    for (int64_t b = 0; !whole && b < images; b++)
      for (int64_t p = 0; p < given.P; p++)
        memcpy(y + ((first + b) * given.P + p) * given.Q * s.O, output + (b * s.P + p) * s.Q * s.O,
               given.Q * s.O * sizeof(float));
  };
  workers.run((s.B + tiles.images - 1) / tiles.images, body);
  return clean;
}

static bool winograd_input_gradient(Workers& workers, const Shape& given, const Filter& f, const float* g,
                                    const float* w, float* dx) {
  Shape s = even_shape(given);
  if (!finite(w, s.taps() * s.O)) return false;
  Products products(f, s);
  float *weights = scratch(SHARED, products.count * s.C * s.O), *turned = scratch(INPUT, s.taps() * s.O);
  auto turn = [&](int64_t tap) { transpose(w + tap * s.C * s.O, s.C, s.O, s.O, turned + tap * s.C * s.O, s.C); };
  workers.run(s.R * s.S, turn);
  filter_weights(workers, products, turned, s.O, s.C, weights);
  int64_t image_step = s.HP * s.WP * s.C;
  Tiles tiles(s, (s.B + 1) / 2, TILES, image_step);
  bool clean = true;
  auto body = [&](int64_t index) {
    int64_t first = index * tiles.images, images = lower(tiles.images, s.B - first);
    const float* slopes = even_slopes(given, s, g, first, images, scratch(INPUT, images * s.pixels() * s.O));
    if (!finite(slopes, images * s.pixels() * s.O)) __atomic_store_n(&clean, false, __ATOMIC_RELAXED);
    float* into = scratch(OUTPUT, images * image_step);
    memset(into, 0, images * image_step * sizeof(float));
    float *sums = scratch(GRADIENT, TILES * s.O), *product = scratch(BLOCK, TILES * s.C);
    for (int64_t t = 0; t < images * tiles.per_image; t += TILES) {
      int64_t count = lower(TILES, images * tiles.per_image - t);
      for (int k = 0; k < products.count; k++) {
        gather(products.output[k], slopes, tiles.output.data() + t, count, s.O, sums);
        multiply(sums, count, s.O, weights + k * s.C * s.O, s.C, product);
        scatter(products.input[k], product, tiles.input.data() + t, count, s.C, into);
      }
    }
    for (int64_t b = 0; b < images; b++)
      for (int64_t h = 0; h < s.H; h++)
        memcpy(dx + ((first + b) * s.H + h) * s.W * s.C, into + b * image_step + ((h + s.top) * s.WP + s.left) * s.C,
               s.W * s.C * sizeof(float));
  };
  workers.run((s.B + tiles.images - 1) / tiles.images, body);
  return clean;
}

// Some images at a time, so that their sums and slopes come from the second cache; every product has sums of its own.
static bool winograd_weight_gradient(Workers& workers, const Shape& given, const Filter& f, const float* x,
                                     const float* g, float* dw, float* db) {
  Shape s = even_shape(given);
  Products products(f, s);
  int64_t each = s.C * s.O, image_step = ((s.P - 1) * s.stride_h + s.R) * s.WP * s.C;
  Tiles tiles(s, s.B, 2 * TILES, image_step);
  float* sums = scratch(SHARED, products.count * each);
  float *input = scratch(INPUT, tiles.images * image_step), *even = scratch(OUTPUT, tiles.images * s.pixels() * s.O);
  Shape point = {1, 1, TILES, s.C, 1, 1, s.O, 1, 1, 0, 0, 1, TILES, 1, TILES};  // sums as pixels, each a window
  auto window = window_offsets(point, 1, 1, 0);
  auto tap = tap_offsets(point);
  Strips one_by_one(s, 0, s.P);
  memset(sums, 0, products.count * each * sizeof(float));
  memset(db, 0, s.O * sizeof(float));
  bool clean = true;
  for (int64_t first = 0; first < s.B; first += tiles.images) {
    int64_t images = lower(tiles.images, s.B - first);
    auto lay_out = [&](int64_t b) {
      pad_strip(s, x, Strip(s, one_by_one, first + b), s.C, input + b * image_step);
      even_slopes(given, s, g, first + b, 1, even + b * s.pixels() * s.O);
      bool right = finite(input + b * image_step, image_step);
      right = right && finite(g + (first + b) * given.pixels() * s.O, given.pixels() * s.O);
      if (!right) __atomic_store_n(&clean, false, __ATOMIC_RELAXED);
    };
    workers.run(images, lay_out);
    bool whole = s.P == given.P && s.Q == given.Q;
    const float* slopes = whole ? g + first * s.pixels() * s.O : even;
    auto body = [&](int64_t k) {
      if (k == products.count) {
        for (int64_t m = 0; m < images * s.pixels(); m++)
          for (int64_t o = 0; o < s.O; o += LANES) store(db + o, load(db + o) + load(slopes + m * s.O + o));
        return;
      }
      float *inputs = scratch(GRADIENT, TILES * s.C), *outputs = scratch(BLOCK, TILES * MOST_VECTORS * LANES);
      for (int64_t t = 0; t < images * tiles.per_image; t += TILES) {
        int64_t count = lower(TILES, images * tiles.per_image - t);
        gather(products.input[k], input, tiles.input.data() + t, count, s.C, inputs);
        for (int64_t n = 0; n < block_count(s.O); n++) {
          Block block(s.O, n);
          gather(products.output[k], slopes + block.first, tiles.output.data() + t, count, block.width, outputs);
          for (int64_t c = 0, P; c < s.C; c += P) {
            P = next_rows(block.N, s.C - c);
            run_tile<WeightGradientTile<true>>(static_cast<int>(P), block.N, inputs, tap.data() + c, window.data(),
                                               count, outputs, block.width, sums + k * each + c * s.O + block.first,
                                               s.O);
          }
        }
      }
    };
    workers.run(products.count + 1, body);
  }
  auto finish = [&](int64_t c) {
    for (int64_t t = 0; t < s.R * s.S; t++) memset(dw + (t * s.C + c) * s.O, 0, s.O * sizeof(float));
    int64_t place = c * s.O;
    for (int k = 0; k < products.count; k++) scatter(products.tap[k], sums + k * each + place, &place, 1, s.O, dw);
  };
  workers.run(s.C, finish);
  return clean;
}

// y[b,p,q,o] = b[o] + sum_ijc x[b, s p + i, s q + j, c] w[i,j,c,o].
static void plain_forward(Workers& workers, const Shape& s, const float* x, const float* w, const float* bias,
                          float* y) {
  const Filter* f = filter_of(s);
  if (f && winograd_forward(workers, s, *f, x, w, bias, y)) return;
  tiled_forward(workers, s, x, w, bias, y, nullptr, false);
}

// dx[b, s p + i, s q + j, c] += sum_o g[b,p,q,o] w[i,j,c,o].
static void input_gradient(Workers& workers, const Shape& s, const float* g, const float* w, float* dx) {
  const Filter* f = filter_of(s);
  if (f && winograd_input_gradient(workers, s, *f, g, w, dx)) return;
  tiled_input_gradient(workers, s, g, w, dx);
}

// dw[i,j,c,o] = sum_bpq x[b, s p + i, s q + j, c] g[b,p,q,o] and db[o] = sum_bpq g[b,p,q,o].
static void weight_gradient(Workers& workers, const Shape& s, const float* x, const float* g, float* dw, float* db) {
  const Filter* f = filter_of(s);
  if (f && winograd_weight_gradient(workers, s, *f, x, g, dw, db)) return;
  tiled_weight_gradient(workers, s, x, g, dw, db);
}
