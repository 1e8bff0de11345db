// Runs the kernels without XLA, on random shapes and a pool of its own threads, for the sanitizers: memory is allocated
// to the byte, results are compared with plain loops in double, and with those of one thread bit for bit.
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "../../tlx/native/levels.h"

using tlx::Shape;
using Array = std::vector<float>;

class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int i = 0; i < threads; i++) helpers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> hold(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    for (auto& helper : helpers_) helper.join();
  }
  int64_t num_threads() const { return threads_; }
  template <class F>
  void Schedule(F&& task) {
    {
      std::lock_guard<std::mutex> hold(mutex_);
      tasks_.emplace_back(task);
    }
    wake_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock<std::mutex> hold(mutex_);
        wake_.wait(hold, [this] { return ended_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }
  int threads_;
  bool ended_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> helpers_;
};

class PoolWorkers final : public tlx::Workers {
 public:
  explicit PoolWorkers(int threads) : pool(threads) {}
  void run(int64_t count, tlx::Body body) override { tlx::share(pool, count, body); }
  Pool pool;
};

// A pool as a fork leaves it: nobody takes its tasks.
class DeadWorkers final : public tlx::Workers {
 public:
  void run(int64_t count, tlx::Body body) override { tlx::share(*this, count, body); }
  int64_t num_threads() const { return 8; }
  template <class F>
  void Schedule(F&&) {}
};

static std::mt19937 engine(1);
static int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine); }
static Array normal(int64_t size) {
  std::normal_distribution<float> draw;
  Array out(size);
  for (auto& value : out) value = draw(engine);
  return out;
}
static void expect(bool right, const char* what) {
  if (right) return;
  std::printf("wrong: %s\n", what);
  std::exit(1);
}
static void near(const Array& got, const std::vector<double>& wanted, const char* what) {
  double most = 1;  // a sum of many may be near zero
  for (double value : wanted) most = std::fmax(most, std::fabs(value));
  for (size_t i = 0; i < got.size(); i++) expect(std::fabs(got[i] - wanted[i]) <= 1e-5 * most, what);
}

enum Kind { ANY, LARGE, FEW_TAPS, FEWER_PRODUCTS };

static Shape random_shape(Kind kind) {
  const int channels[] = {1, 2, 3, 16, 17, 20, 33}, outs[] = {1, 3, 16, 20, 50, 66};
  Shape s = {};
  s.B = between(1, 6), s.H = between(1, 17), s.W = between(1, 17), s.C = channels[between(0, 6)];
  s.R = between(1, 5), s.S = between(1, 5), s.O = outs[between(0, 5)];
  if (kind == LARGE)
    s.C = between(60, 70), s.O = between(120, 140), s.R = s.S = 4, s.H = between(2, 8), s.W = between(2, 8);
  s.stride_h = between(1, 3), s.stride_w = between(1, 3), s.top = between(0, 3), s.left = between(0, 3);
  if (kind == FEW_TAPS) {
    s.R = s.S = between(0, 1) ? 5 : 3, s.C = s.R == 3 && between(0, 1) ? 3 : 1;
    s.stride_h = s.stride_w = 1, s.W = between(10, 26);
    if (between(0, 1)) s.top = s.left = 0;
  }
  if (kind == FEWER_PRODUCTS) {
    s.B = between(4, 6), s.C = 16 * between(4, 5), s.O = 16 * between(4, 5);
    s.stride_h = s.stride_w = between(1, 2), s.R = s.S = 2 * s.stride_h + 1;
    s.H = s.stride_h * between(10, 12), s.W = s.stride_h * between(10, 12);
  }
  s.HP = s.H + s.top + between(0, 3), s.WP = s.W + s.left + between(0, 3);
  s.P = tlx::outputs(s.HP, s.R, s.stride_h), s.Q = tlx::outputs(s.WP, s.S, s.stride_w);
  return s;
}

// Calls visit(x index, w index, y index) for each product of the convolution.
template <class Visit>
static void products(const Shape& s, Visit visit) {
  for (int64_t b = 0; b < s.B; b++)
    for (int64_t p = 0; p < s.P; p++)
      for (int64_t q = 0; q < s.Q; q++)
        for (int64_t i = 0; i < s.R; i++)
          for (int64_t j = 0; j < s.S; j++) {
            int64_t h = p * s.stride_h + i - s.top, v = q * s.stride_w + j - s.left;
            if (h < 0 || h >= s.H || v < 0 || v >= s.W) continue;
            visit(((b * s.H + h) * s.W + v) * s.C, (i * s.S + j) * s.C, ((b * s.P + p) * s.Q + q));
          }
}

struct Results {
  Array y, dx, dw, db, pooled, slope, dx_pooled, dw_pooled, db_pooled, top, spread, collected, deep, deep_dx, deep_dw;
  std::vector<uint8_t> mask, top_mask;
};

static Results run(const tlx::Kernels& k, tlx::Workers& workers, const Shape& s, const Array& x, const Array& w,
                   const Array& b, const Array& g, const Array& deep_w, const Array& deep_g) {
  int64_t small = s.B * (s.P / 2) * (s.Q / 2) * s.O;
  Results r;
  r.y.resize(g.size()), r.dx.resize(x.size()), r.dw.resize(w.size()), r.db.resize(s.O);
  k.forward(workers, s, x.data(), w.data(), b.data(), r.y.data(), nullptr, false);
  k.input_gradient(workers, s, g.data(), w.data(), r.dx.data());
  k.weight_gradient(workers, s, x.data(), g.data(), r.dw.data(), r.db.data());
  if (small) {
    r.pooled.resize(small), r.mask.resize(small);
    r.dx_pooled.resize(x.size()), r.dw_pooled.resize(w.size()), r.db_pooled.resize(s.O);
    k.forward(workers, s, x.data(), w.data(), b.data(), r.pooled.data(), r.mask.data(), true);
    Array slope(g.begin(), g.begin() + small);
    k.pooled_input_gradient(workers, s, slope.data(), r.mask.data(), w.data(), r.dx_pooled.data());
    k.pooled_weight_gradient(workers, s, x.data(), slope.data(), r.mask.data(), r.dw_pooled.data(), r.db_pooled.data());
    r.slope.resize(g.size());
    k.spread(workers, {s.B, s.P, s.Q, s.O, 2, 2}, slope.data(), r.mask.data(), r.slope.data());
  }
  tlx::PoolShape pool = {s.B, s.H, s.W, s.C, 2, s.W % 2 ? 2 : 3};
  int64_t tops = s.B * pool.rows() * pool.columns() * s.C;
  r.top.resize(tops), r.top_mask.resize(tops), r.spread.resize(x.size()), r.collected.resize(tops);
  k.max_pool(workers, pool, x.data(), r.top.data(), r.top_mask.data());
  k.spread(workers, pool, r.top.data(), r.top_mask.data(), r.spread.data());
  k.collect(workers, pool, x.data(), r.top_mask.data(), r.collected.data());
  Shape deep = s;
  deep.O = s.C;
  r.deep.resize(deep_g.size()), r.deep_dx.resize(x.size()), r.deep_dw.resize(deep_w.size());
  k.depthwise(workers, deep, x.data(), deep_w.data(), r.deep.data());
  k.depthwise_input_gradient(workers, deep, deep_g.data(), deep_w.data(), r.deep_dx.data());
  k.depthwise_weight_gradient(workers, deep, x.data(), deep_g.data(), r.deep_dw.data());
  return r;
}

static void check(int level, Kind kind, tlx::Workers& one, tlx::Workers& many) {
  const tlx::Kernels& k = *tlx::level(level).kernels;
  Shape s = random_shape(kind);
  Array x = normal(s.B * s.H * s.W * s.C), w = normal(s.taps() * s.O), b = normal(s.O);
  if (kind == FEW_TAPS)
    for (auto* values : {&x, &w, &b})
      for (float& value : *values) value = std::round(value);  // so that pixels tie
  Array g = normal(s.B * s.pixels() * s.O), deep_w = normal(s.taps()), deep_g = normal(s.B * s.pixels() * s.C);
  Results r = run(k, one, s, x, w, b, g, deep_w, deep_g), t = run(k, many, s, x, w, b, g, deep_w, deep_g);
  expect(r.y == t.y && r.dx == t.dx && r.dw == t.dw && r.db == t.db, "bits of the convolution");
  expect(r.pooled == t.pooled && r.mask == t.mask && r.dx_pooled == t.dx_pooled, "bits of the fused pooling");
  expect(r.dw_pooled == t.dw_pooled && r.db_pooled == t.db_pooled, "bits of the fused pooling's weights");
  expect(r.top == t.top && r.top_mask == t.top_mask && r.spread == t.spread, "bits of the pooling");
  expect(r.deep == t.deep && r.deep_dx == t.deep_dx && r.deep_dw == t.deep_dw, "bits of the depthwise convolution");
  expect(r.collected == r.top, "collected maxima");

  std::vector<double> y(g.size()), dx(x.size()), dw(w.size()), db(s.O);
  std::vector<double> dx_pooled(r.dx_pooled.size()), dw_pooled(r.dw_pooled.size()), db_pooled(r.db_pooled.size());
  std::vector<double> deep(deep_g.size()), deep_dx(x.size()), deep_dw(deep_w.size());
  for (size_t i = 0; i < y.size(); i++) y[i] = b[i % s.O], db[i % s.O] += g[i];
  for (size_t i = 0; i < r.slope.size(); i++) db_pooled[i % s.O] += r.slope[i];
  products(s, [&](int64_t at, int64_t tap, int64_t pixel) {
    for (int64_t c = 0; c < s.C; c++) {
      const float* weights = &w[(tap + c) * s.O];
      for (int64_t o = 0; o < s.O; o++) {
        double slope = g[pixel * s.O + o];
        y[pixel * s.O + o] += static_cast<double>(x[at + c]) * weights[o];
        dx[at + c] += slope * weights[o];
        dw[(tap + c) * s.O + o] += slope * x[at + c];
        if (r.slope.empty()) continue;
        double pooled = r.slope[pixel * s.O + o];
        dx_pooled[at + c] += pooled * weights[o];
        dw_pooled[(tap + c) * s.O + o] += pooled * x[at + c];
      }
      double slope = deep_g[pixel * s.C + c];
      deep[pixel * s.C + c] += static_cast<double>(x[at + c]) * deep_w[tap + c];
      deep_dx[at + c] += slope * deep_w[tap + c];
      deep_dw[tap + c] += slope * x[at + c];
    }
  });
  near(r.y, y, "forward");
  std::vector<double> pooled(r.pooled.size());  // zeros: ReLU is behind
  for (int64_t b = 0, columns = s.Q / 2; !pooled.empty() && b < s.B; b++)
    for (int64_t p = 0; p < s.P / 2 * 2; p++)
      for (int64_t q = 0; q < columns * 2; q++)
        for (int64_t o = 0; o < s.O; o++) {
          double& top = pooled[((b * (s.P / 2) + p / 2) * columns + q / 2) * s.O + o];
          top = std::fmax(top, y[((b * s.P + p) * s.Q + q) * s.O + o]);
        }
  near(r.pooled, pooled, "forward with pooling");
  near(r.dx, dx, "input gradient");
  near(r.dw, dw, "weight gradient");
  near(r.db, db, "bias gradient");
  near(r.dx_pooled, dx_pooled, "input gradient behind pooling");
  near(r.dw_pooled, dw_pooled, "weight gradient behind pooling");
  near(r.db_pooled, db_pooled, "bias gradient behind pooling");
  near(r.deep, deep, "depthwise");
  near(r.deep_dx, deep_dx, "depthwise input gradient");
  near(r.deep_dw, deep_dw, "depthwise weight gradient");
}

int main(int count, char** arguments) {
  int rounds = count > 1 ? std::atoi(arguments[1]) : 20;
  PoolWorkers one(1), many(8);
  for (int level = 0; tlx::level(level).name; level++) {
    for (int i = 0; i < rounds; i++) {
      Kind kind = i % 10 == 9 ? LARGE : i % 10 == 4 ? FEWER_PRODUCTS : i % 3 ? ANY : FEW_TAPS;
      check(level, kind, one, many);
    }
    std::printf("%s: %d shapes\n", tlx::level(level).name, rounds);
  }
  // Two calls side by side share the helpers.
  std::thread beside([&] { check(0, ANY, one, many); });
  beside.join();
  DeadWorkers dead;
  for (int i = 0; i < 5; i++) check(0, i ? ANY : LARGE, one, dead);
  std::printf("right\n");
}
