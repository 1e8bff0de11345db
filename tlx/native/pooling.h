// Max pooling by windows side by side, its gradient, and the transpose of that.

// The windows of rows that lie in memory by steps: one vector of channels at a time. R = 0: any window.
struct Windows {
  int64_t rows, columns, channels, row_step, pixel_step, R, S;
};
template <bool FAST>
TLX_INLINE void window_maximum(const Windows& s, const float* x, int64_t lanes, bool relu, float* y, uint8_t* mask) {
  int64_t R = FAST ? 2 : s.R, S = FAST ? 2 : s.S;
  Vec top = load_part(x, lanes);
  for (int64_t i = 0; i < R; i++)
    for (int64_t j = 0; j < S; j++)
      if (i + j) top = maximum(top, load_part(x + i * s.row_step + j * s.pixel_step, lanes));
  IntVec bits = {};
  for (int64_t i = 0; i < R; i++)
    for (int64_t j = 0; j < S; j++)
      bits |= (IntVec)(load_part(x + i * s.row_step + j * s.pixel_step, lanes) == top) & (1 << (i * S + j));
  if (relu) {
    Vec zero = {};
    bits &= (IntVec)(top > zero);
    top = maximum(top, zero);
  }
  store_part(y, top, lanes);
  store_bytes(mask, __builtin_convertvector(bits, ByteVec), lanes);
}
template <bool FAST>
TLX_INLINE void window_spread(const Windows& s, const float* g, const uint8_t* mask, int64_t lanes, float* dx) {
  int64_t R = FAST ? 2 : s.R, S = FAST ? 2 : s.S;
  IntVec bits = __builtin_convertvector(load_bytes(mask, lanes), IntVec), ties = {};
  for (int64_t i = 0; i < R * S; i++) ties += (bits >> static_cast<int32_t>(i)) & 1;
  ties |= (ties == 0) & 1;
  Vec part = load_part(g, lanes) / __builtin_convertvector(ties, Vec), zero = {};
  for (int64_t i = 0; i < R; i++)
    for (int64_t j = 0; j < S; j++) {
      IntVec hit = (bits & (1 << (i * S + j))) != 0;
      store_part(dx + i * s.row_step + j * s.pixel_step, hit ? part : zero, lanes);
    }
}
template <bool FAST>
TLX_INLINE void window_collect(const Windows& s, const float* t, const uint8_t* mask, int64_t lanes, float* g) {
  int64_t R = FAST ? 2 : s.R, S = FAST ? 2 : s.S;
  IntVec bits = __builtin_convertvector(load_bytes(mask, lanes), IntVec), ties = {};
  Vec sum = {}, zero = {};
  for (int64_t i = 0; i < R; i++)
    for (int64_t j = 0; j < S; j++) {
      IntVec hit = (bits & (1 << (i * S + j))) != 0;
      sum += hit ? load_part(t + i * s.row_step + j * s.pixel_step, lanes) : zero;
      ties += hit & 1;
    }
  ties |= (ties == 0) & 1;
  store_part(g, sum / __builtin_convertvector(ties, Vec), lanes);
}

// Every window and vector of channels. The last vector overlaps the one before, so that it is whole: what it writes
// again is the same. Fewer channels than lanes are taken by parts.
enum Pooling { MAXIMUM, SPREAD, COLLECT };
template <Pooling WHAT, bool FAST>
static void each_window(const Windows& s, const float* from, bool relu, float* to, uint8_t* mask) {
  int64_t lanes = lower(s.channels, LANES), small_step = s.channels;
  for (int64_t p = 0; p < s.rows; p++)
    for (int64_t q = 0; q < s.columns; q++) {
      int64_t large = p * s.R * s.row_step + q * s.S * s.pixel_step, small = (p * s.columns + q) * small_step;
      for (int64_t c = 0; c < s.channels; c += LANES) {
        int64_t k = lower(c, s.channels - lanes);
        if (lanes == LANES) {  // said twice, so that the lanes are a constant in one of them
          if (WHAT == MAXIMUM) window_maximum<FAST>(s, from + large + k, LANES, relu, to + small + k, mask + small + k);
          if (WHAT == SPREAD) window_spread<FAST>(s, from + small + k, mask + small + k, LANES, to + large + k);
          if (WHAT == COLLECT) window_collect<FAST>(s, from + large + k, mask + small + k, LANES, to + small + k);
        } else {
          if (WHAT == MAXIMUM) window_maximum<FAST>(s, from + large + k, lanes, relu, to + small + k, mask + small + k);
          if (WHAT == SPREAD) window_spread<FAST>(s, from + small + k, mask + small + k, lanes, to + large + k);
          if (WHAT == COLLECT) window_collect<FAST>(s, from + large + k, mask + small + k, lanes, to + small + k);
        }
      }
    }
}
template <Pooling WHAT>
static void windows(const Windows& s, const float* from, bool relu, float* to, uint8_t* mask) {
  if (s.R == 2 && s.S == 2)
    each_window<WHAT, true>(s, from, relu, to, mask);
  else
    each_window<WHAT, false>(s, from, relu, to, mask);
}

static Windows pool_windows(const PoolShape& s) { return {s.rows(), s.columns(), s.C, s.W * s.C, s.C, s.R, s.S}; }

// y[b,p,q,c] = max_ij x[b, R p + i, S q + j, c]; bit i S + j of the mask says which pixels equal it.
static void max_pool(Workers& workers, const PoolShape& s, const float* x, float* y, uint8_t* mask) {
  Windows at = pool_windows(s);
  int64_t small = at.rows * at.columns * s.C, large = s.H * s.W * s.C;
  auto body = [&](int64_t b) { windows<MAXIMUM>(at, x + b * large, false, y + b * small, mask + b * small); };
  if (small) workers.run(s.B, body);
}

// dx = g, shared between the pixels that the mask names; zero elsewhere.
static void spread(Workers& workers, const PoolShape& s, const float* g, const uint8_t* mask, float* dx) {
  Windows at = pool_windows(s);
  int64_t small = at.rows * at.columns * s.C, row = s.W * s.C, covered = at.columns * s.S;
  auto body = [&](int64_t b) {
    float* to = dx + b * s.H * row;
    if (small) windows<SPREAD>(at, g + b * small, false, to, const_cast<uint8_t*>(mask) + b * small);
    int64_t rows = at.rows * s.R;
    for (int64_t h = 0; covered < s.W && h < rows; h++)
      memset(to + h * row + covered * s.C, 0, (s.W - covered) * s.C * sizeof(float));
    memset(to + rows * row, 0, (s.H - rows) * row * sizeof(float));
  };
  workers.run(s.B, body);
}

// The transpose of `spread`: the mean of t over the pixels that the mask names; zero where it names none.
static void collect(Workers& workers, const PoolShape& s, const float* t, const uint8_t* mask, float* g) {
  Windows at = pool_windows(s);
  int64_t small = at.rows * at.columns * s.C, large = s.H * s.W * s.C;
  auto body = [&](int64_t b) {
    windows<COLLECT>(at, t + b * large, false, g + b * small, const_cast<uint8_t*>(mask) + b * small);
  };
  if (small) workers.run(s.B, body);
}
