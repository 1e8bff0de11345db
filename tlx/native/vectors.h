// Vectors of floats, and tiles of them that fill the registers.

constexpr int LANES = TLX_LANES;
constexpr int MOST_VECTORS = TLX_REGISTERS == 32 ? 4 : 2;  // of channels in a tile
constexpr int64_t PANEL = 32 * 1024 / sizeof(float);       // weights that stay in the first cache

typedef float Vec __attribute__((vector_size(LANES * 4), may_alias));
typedef float LooseVec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t IntVec __attribute__((vector_size(LANES * 4), may_alias));
typedef uint8_t ByteVec __attribute__((vector_size(LANES), may_alias));

// Inlined always: a vector passed between functions of unlike targets would be passed wrongly, and this refuses it.
#define TLX_INLINE static inline __attribute__((always_inline))

TLX_INLINE Vec load(const float* from) { return *reinterpret_cast<const LooseVec*>(from); }
TLX_INLINE void store(float* to, Vec v) { *reinterpret_cast<LooseVec*>(to) = v; }
constexpr int64_t lower(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t upper(int64_t a, int64_t b) { return a < b ? b : a; }
constexpr int64_t round_up(int64_t a, int64_t step) { return (a + step - 1) / step * step; }

// `a` where it is greater or NaN, else `b`: NaN wins from either side, as in jax.lax.max
TLX_INLINE Vec maximum(Vec a, Vec b) { return ((a > b) | (a != a)) ? a : b; }

// All bits of the first `many` lanes, none of the others
TLX_INLINE IntVec first_lanes(int64_t many) {
  IntVec lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  return lane < static_cast<int32_t>(many);
}

// Part of a vector: the first `many` lanes, the others zero or left alone
TLX_INLINE Vec load_part(const float* from, int64_t many) {
  if (many >= LANES) return load(from);
  Vec v = {};
  for (int i = 0; i < many; i++) v[i] = from[i];
  return v;
}
TLX_INLINE void store_part(float* to, Vec v, int64_t many) {
  if (many >= LANES) return store(to, v);
  for (int i = 0; i < many; i++) to[i] = v[i];
}
TLX_INLINE ByteVec load_bytes(const uint8_t* from, int64_t many) {
  ByteVec v = {};
  if (many >= LANES)
    memcpy(&v, from, LANES);
  else
    for (int i = 0; i < many; i++) v[i] = from[i];
  return v;
}
TLX_INLINE void store_bytes(uint8_t* to, ByteVec v, int64_t many) {
  if (many >= LANES)
    memcpy(to, &v, LANES);
  else
    for (int i = 0; i < many; i++) to[i] = v[i];
}

#if TLX_LANES == 16
// Lane by lane one of the values of a vector, or of two; and whether any lane has a bit
TLX_INLINE Vec look_up(Vec from, IntVec at) { return (Vec)_mm512_permutexvar_ps((__m512i)at, (__m512)from); }
TLX_INLINE Vec look_up(Vec first, Vec second, IntVec at) {
  return (Vec)_mm512_permutex2var_ps((__m512)first, (__m512i)at, (__m512)second);
}
TLX_INLINE bool any(IntVec v) { return _mm512_test_epi32_mask((__m512i)v, (__m512i)v) != 0; }
#endif

// A tile has P rows of N vectors; its P * N sums, N vectors and a scalar fill the registers.
constexpr int tile_rows(int N) {
  if (TLX_REGISTERS == 16) return N == 1 ? 8 : 6;
  return N <= 2 ? 12 : N == 3 ? 8 : 6;
}
constexpr int next_rows(int N, int64_t left) {
  int P = tile_rows(N);
  if (left >= P) return P;
  return left > 8 ? 8 : static_cast<int>(left);
}
template <class Tile, int P, class... Args>
static void run_vectors(int N, Args... args) {
  if (N == 1) return Tile::template run<P, 1>(args...);
  if constexpr (Tile::WIDEST > 1 && P <= tile_rows(2))
    if (N == 2) return Tile::template run<P, 2>(args...);
  if constexpr (Tile::WIDEST > 2 && P <= tile_rows(3))
    if (N == 3) return Tile::template run<P, 3>(args...);
  if constexpr (Tile::WIDEST > 2 && P <= tile_rows(4))
    if (N == 4) return Tile::template run<P, 4>(args...);
}
template <class Tile, class... Args>
static void run_tile(int P, int N, Args... args) {
  switch (P) {
    case 1: return run_vectors<Tile, 1>(N, args...);
    case 2: return run_vectors<Tile, 2>(N, args...);
    case 3: return run_vectors<Tile, 3>(N, args...);
    case 4: return run_vectors<Tile, 4>(N, args...);
    case 5: return run_vectors<Tile, 5>(N, args...);
    case 6: return run_vectors<Tile, 6>(N, args...);
    case 7: return run_vectors<Tile, 7>(N, args...);
    case 8: return run_vectors<Tile, 8>(N, args...);
    default:
      if constexpr (tile_rows(1) > 8) run_vectors<Tile, tile_rows(1)>(N, args...);
  }
}

constexpr int MOST_SUMS = TLX_REGISTERS == 32 ? 24 : 12;

// Tile::run<g, n>, for tiles of at most G by N sums whose loads need few registers.
template <class Tile, int G, int N, class... Args>
static void run_rows(int64_t g, int64_t n, Args... args) {
  if constexpr (N > 1)
    if (n < N) return run_rows<Tile, G, N - 1>(g, n, args...);
  if constexpr (G > 1)
    if (g < G || G * N > MOST_SUMS) return run_rows<Tile, G - 1, N>(g, n, args...);
  if constexpr (G * N <= MOST_SUMS) Tile::template run<G, N>(args...);
}

// Channels (or taps) are cut into blocks of at most MOST_VECTORS vectors.
struct Block {
  int N;
  int64_t first, width, valid;  // valid: how many of `width` exist; the others are padding

  Block(int64_t total, int64_t index) {
    int64_t vectors = round_up(total, LANES) / LANES;
    first = index * MOST_VECTORS * LANES;
    N = static_cast<int>(lower(MOST_VECTORS, vectors - index * MOST_VECTORS));
    width = N * LANES;
    valid = lower(width, total - first);
  }
};
constexpr int64_t block_count(int64_t total) { return (total + MOST_VECTORS * LANES - 1) / (MOST_VECTORS * LANES); }

// Whether no value is infinite or NaN
static bool finite(const float* values, int64_t count) {
  Vec sum[4] = {};  // four, as each add waits for the one before
  float rest = 0;
  int64_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES)
    for (int n = 0; n < 4; n++) sum[n] += load(values + i + n * LANES) * 0.0f;
  for (; i < count; i++) rest += values[i] * 0.0f;
  for (int lane = 0; lane < LANES; lane++) rest += (sum[0][lane] + sum[1][lane]) + (sum[2][lane] + sum[3][lane]);
  return rest == 0;
}

// The sum of `parts` arrays of `size` floats, of the places [from, end), in the first of them.
static void add_parts(float* sums, int64_t parts, int64_t size, int64_t from, int64_t end) {
  for (int64_t part = 1; part < parts; part++)
    for (int64_t i = from; i < end; i += LANES) store(sums + i, load(sums + i) + load(sums + size * part + i));
}
