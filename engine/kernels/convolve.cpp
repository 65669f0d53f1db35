// The position-list convolution of channels-last pictures, 3x3 or 1x1: only listed pixels are
// computed, and a list may be as ragged as it likes.
//
// Sums of a few positions times a block of outputs are held in registers. For each channel of each
// neighbour the outputs' weights stream by and serve all those positions. The three neighbours in a
// row of the picture are one piece of memory. tile.h has the arithmetic, once per kind of processor.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__GNUC__) && defined(__x86_64__)
#define X86 1
#include <immintrin.h>
#endif

#ifdef _WIN32
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#include <dlfcn.h>
#endif

namespace {

struct bfloat16 {
    uint16_t bits;
};

inline float get(const float *x) { return *x; }
inline float get(const bfloat16 *x) {
    const uint32_t bits = (uint32_t)x->bits << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

inline void put(float *x, float value) { *x = value; }
inline void put(bfloat16 *x, float value) {  // to the nearest, of two the even one
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const uint32_t even = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    x->bits = (uint16_t)(value == value ? even : 0x7fc0);
}

struct Job {  // as in compiled.py
    const void *source;
    const float *panels;  // the biases; then for each block of outputs (row, column, channel, output)
    const int32_t *positions;  // null: all
    void *target;
    const float *slopes;  // as many as biases: one per output, up to a multiple of 16
    const float *scales;  // one per position; null: `scale`
    int64_t count;
    float scale;
    int32_t rows, pitch, cin, cout, size, threads;
    int32_t level, pairs, from_bfloat16, to_bfloat16, add;
};

enum { GROUP = 24 };  // positions whose neighbours are found together

// Computes the positions begin..end - 1 of the list; false if one of them is not a pixel of the
// target or not behind the one before.
typedef bool Compute(const Job &, int64_t begin, int64_t end, void *scratch);

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
#define PAIRS 0
#include "tile.h"

#if X86
#define KIND avx2
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define BLOCK 16
#define TILE(vectors) 6
#define PAIRS 0
#include "tile.h"

#define KIND avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define LANES 16
#define BLOCK 64
#define TILE(vectors) ((vectors) == 4 ? 6 : 8)
#define PAIRS 0
#include "tile.h"

#define KIND avx512_bf16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")))
#define LANES 16
#define BLOCK 64
#define TILE(vectors) ((vectors) == 4 ? 6 : 8)
#define PAIRS 1
#include "tile.h"
#endif

namespace {

Compute *choose(const Job &job) {
#if X86
    if (job.level == 3) return avx512_bf16::choose(job);
    if (job.level == 2) return avx512::choose(job);
    if (job.level == 1) return avx2::choose(job);
#endif
    return portable::choose(job);
}

// A job that several threads work on, each taking the next piece of the list when it is free.
struct Work {
    const Job &job;
    Compute *compute;
    int64_t piece;
    std::atomic<int64_t> next{0};
    std::atomic<bool> sound{true};

    static void help(void *work) { ((Work *)work)->help(); }

    void help() {
        const int64_t most = (int64_t)GROUP * job.size * job.size * (job.cin + 1);
        std::unique_ptr<float[]> scratch(new float[most]);
        for (int64_t begin; (begin = next.fetch_add(piece)) < job.count;)
            if (!compute(job, begin, std::min(begin + piece, job.count), scratch.get()))
                sound = false;
    }
};

// PyTorch's own OpenMP threads are used where there are any: others would compete with them, as
// they stay awake for a while after each use.
void share(Work &work, int threads) {
#ifndef _WIN32
    typedef void Parallel(void (*)(void *), void *, unsigned, unsigned);
    static Parallel *const parallel = (Parallel *)dlsym(RTLD_DEFAULT, "GOMP_parallel");
    if (parallel) return parallel(Work::help, &work, threads, 0);
#endif
    std::vector<std::thread> others;
    for (int i = 1; i < threads; i++) others.emplace_back((void (*)(void *))Work::help, &work);
    work.help();
    for (std::thread &other : others) other.join();
}

}  // namespace

// The best of the levels that the processor has: 0 portable, 1 AVX2, 2 AVX-512, 3 with bfloat16.
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

// Returns whether the list was sound.
EXPORT int fovea_convolve(const Job *job) {
    const int64_t groups = (job->count + GROUP - 1) / GROUP;
    const int64_t threads = std::max<int64_t>(1, std::min<int64_t>(job->threads, groups));
    const int64_t piece = std::max<int64_t>(1, std::min<int64_t>(16, groups / (8 * threads)));
    Work work{*job, choose(*job), piece * GROUP};
    if (threads == 1)
        work.help();
    else
        share(work, (int)threads);
    return work.sound;
}
