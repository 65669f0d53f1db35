// The position-list convolution: channels-last pictures, 3x3 or 1x1, the listed positions alone.
//
// A tile of positions x outputs is held in registers. For each channel of each neighbour the
// outputs' weights stream by, each used for all positions of the tile, so a list may be as ragged
// as it likes. The three neighbours of a row are one run of memory.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>

#if defined(__GNUC__) && defined(__x86_64__)
#define X86 1
#include <immintrin.h>
#endif

#ifdef _WIN32
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

#ifdef __linux__  // PyTorch's own threads, if it has any of this kind: a second set would compete
extern "C" void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned) __attribute__((weak));
#endif

namespace {

enum { GROUP = 24 };  // positions whose operands are found together

struct bfloat16 {
    uint16_t bits;
};

struct Job {  // as in __init__.py
    const void *source;
    const float *panels;  // biases, then weights: blocks of outputs, each (row, column, channel, output)
    const int32_t *positions;  // null: all
    void *target;
    const float *slopes;  // one per output, and for those that fill the last vector
    const float *scales;  // null: `scale`
    float scale;
    int64_t count;
    int32_t rows, pitch, cin, cout, size, threads;
    int32_t level, pairs, from_bfloat16, to_bfloat16, add;
    std::atomic<bool> *failed;
};

typedef void Positions(const Job &, long begin, long end, void *scratch);

inline float get(const float *x) { return *x; }
inline float get(const bfloat16 *x) {
    const uint32_t bits = (uint32_t)x->bits << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

inline void put(float *x, float value) { *x = value; }
inline void put(bfloat16 *x, float value) {  // rounded to the nearest, of two the even
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const uint32_t even = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    x->bits = (uint16_t)(value == value ? even : 0x7fc0);
}

}  // namespace

#define KIND portable
#define TARGET
#define LANES 4
#define BLOCK 16
#ifdef __aarch64__
#define TILE(vectors) 6
#else
#define TILE(vectors) 3
#endif
#define DOT 0
#include "tile.h"

#if X86
#define KIND avx2
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define BLOCK 16
#define TILE(vectors) 6
#define DOT 0
#include "tile.h"

#define KIND avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define LANES 16
#define BLOCK 64
#define TILE(vectors) ((vectors) == 4 ? 6 : 8)
#define DOT 0
#include "tile.h"

#define KIND avx512_bf16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")))
#define LANES 16
#define BLOCK 64
#define TILE(vectors) ((vectors) == 4 ? 6 : 8)
#define DOT 1
#include "tile.h"
#endif

namespace {

// A job that several threads work on, each taking the next piece of the list.
struct Work {
    const Job &job;
    Positions *positions;
    long piece;
    std::atomic<long> next{0};

    void help() {
        const long each = (long)GROUP * job.size * job.size * (job.cin + 1);
        std::unique_ptr<float[]> scratch(new float[each]);
        for (long begin; (begin = next.fetch_add(piece)) < job.count;)
            positions(job, begin, std::min(begin + piece, (long)job.count), scratch.get());
    }
};

#if defined(__linux__) && !defined(NOGOMP)
bool shared(Work &work, int threads) {
    if (!GOMP_parallel) return false;
    GOMP_parallel([](void *work) { ((Work *)work)->help(); }, &work, threads, 0);
    return true;
}
#else
bool shared(Work &, int) { return false; }
#endif

inline void pause() {
#if X86
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

// Threads that wait for work, briefly awake and then asleep. The caller never waits for one to
// come: whoever is late finds nothing to do.
class Pool {
  public:
    void run(Work &work, int threads) {
        std::unique_lock<std::mutex> alone(busy, std::try_to_lock);
        if (!alone.owns_lock()) return work.help();  // somebody else's work is under way
        while (size < threads - 1) std::thread(&Pool::serve, this, size++, turn.load()).detach();
        helpers = threads - 1;
        current = &work;
        turn++;
        turn.notify_all();
        work.help();
        current = nullptr;
        while (active) pause();
    }

  private:
    void serve(int number, unsigned seen) {
        for (;;) {
            for (int i = 0; i < SPINS && turn == seen; i++) pause();
            turn.wait(seen);
            seen = turn;
            if (number >= helpers) continue;
            active++;  // before `current` is read: the caller looks the other way round
            if (Work *work = current) work->help();
            active--;
        }
    }

    enum { SPINS = 20000 };
    std::mutex busy;
    int size = 0;
    std::atomic<int> helpers{0}, active{0};
    std::atomic<unsigned> turn{0};
    std::atomic<Work *> current{nullptr};
};

Positions *choose(const Job &job) {
#if X86
    if (job.level == 3) return avx512_bf16::choose(job);
    if (job.level == 2) return avx512::choose(job);
    if (job.level == 1) return avx2::choose(job);
#endif
    return portable::choose(job);
}

}  // namespace

// The best level that the processor has: 0 portable, 1 AVX2, 2 AVX-512, 3 AVX-512 with bfloat16.
EXPORT int fovea_level() {
#if X86
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 1;
    return __builtin_cpu_supports("avx512bf16") ? 3 : 2;
#else
    return 0;
#endif
}

// Returns whether the list was as it must be: ascending, and inside the picture.
EXPORT int fovea_convolve(Job *job) {
    static Pool *pool = new Pool;  // never destroyed: its threads outlive everything
    std::atomic<bool> failed{false};
    job->failed = &failed;
    const long groups = (job->count + GROUP - 1) / GROUP;
    const int threads = (int)std::max(1L, std::min<long>(job->threads, groups));
    const long piece = std::max(1L, std::min(16L, groups / (8 * threads))) * GROUP;
    Work work{*job, choose(*job), piece};
    if (threads == 1)
        work.help();
    else if (!shared(work, threads))
        pool->run(work, threads);
    return !failed;
}
