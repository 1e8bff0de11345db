// Work shared between the calling thread and a pool that may help.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>

namespace tlx {

// A callable of one index, held by reference.
class Body {
 public:
  template <class F>
  Body(F& f) : held_(&f), call_([](void* held, int64_t i) { (*static_cast<F*>(held))(i); }) {}
  void operator()(int64_t i) const { call_(held_, i); }

 private:
  void* held_;
  void (*call_)(void*, int64_t);
};

class Workers {
 public:
  // body(0), ..., body(count - 1), once each, in any order, on any thread; returns when all are done.
  virtual void run(int64_t count, Body body) = 0;

 protected:
  ~Workers() = default;
};

// The caller works itself and waits only for indices that a helper has begun, so a pool that is busy, or that a fork
// left without threads, costs speed and never locks up. Throws std::bad_alloc where a body threw.
template <class Pool>
void share(Pool& pool, int64_t count, Body body) {
  struct State {
    std::atomic<int64_t> next{0}, done{0};
    std::atomic<bool> failed{false};
  };
  int64_t threads = std::min<int64_t>(pool.num_threads(), count);
  auto state = std::make_shared<State>();
  auto work = [state, count, body] {  // a helper that starts late takes no index, and never calls `body`
    for (int64_t i; (i = state->next.fetch_add(1)) < count;) {
      try {
        body(i);
      } catch (...) {
        state->failed = true;
      }
      state->done.fetch_add(1, std::memory_order_release);
    }
  };
  for (int64_t t = 1; t < threads; t++) pool.Schedule(decltype(work)(work));
  work();
  for (int spins = 0; state->done.load(std::memory_order_acquire) < count; spins++)
    if (spins > 1000) std::this_thread::yield();
  if (state->failed) throw std::bad_alloc();
}

}  // namespace tlx
