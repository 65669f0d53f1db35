// The position-list convolution of channels-last pictures, 3x3 or 1x1: only listed pixels are
// computed, and a list may be as ragged as it likes.
//
// Sums of a few positions times a block of outputs are held in registers. For each channel of each
// neighbour the outputs' weights stream by and serve all those positions. The three neighbours in a
// row of the picture are one piece of memory. tile.h has the arithmetic, once per kind of processor.
//
// Where at least two pixels of a 2x2 square are wanted, 3x3 convolutions compute it as a whole by
// F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
// section 4.1: 4x4 pixels and the weights are transformed, multiplied element by element with sums
// over the channels, and transformed back. That takes 16 products for four results instead of 36. A
// result depends on its own 3x3 pixels alone, as ever: what else lies in the 4x4 cannot reach it.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__GNUC__) && defined(__x86_64__)
#define X86 1
#include <immintrin.h>
#if defined(__linux__) && (__GNUC__ > 10 || __clang_major__ > 11)
#define TILES 1
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
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
    const float *panels;  // the biases; then for each block of outputs (row, column, channel, output);
                          // with `squares` then (transform, channel, output) for each block
    const int32_t *positions;  // null: all
    void *target;
    const float *slopes;  // as many as biases: one per output, up to a multiple of 16
    const float *scales;  // one per position; null: `scale`
    int64_t count;
    float scale;
    int32_t rows, pitch, cin, cout, size, threads;
    int32_t level, pairs, squares, from_bfloat16, to_bfloat16, how;
};

enum { WRITE, ADD, MULTIPLY };  // how a result meets the target; the last by its sigmoid

enum { GROUP = 24 };  // positions whose neighbours are found together; also squares
enum { WIDTH = 192 };  // columns of a piece, or positions that a thread takes at a time

// 2 x 2 pixels of the target, the first at p, and which each is in the list; -1: not in it.
struct Square {
    int32_t p, which[4];
};

// Computes the positions begin..end - 1 of the list; false if one of them is not a pixel of the
// target or not behind the one before.
typedef bool Compute(const Job &, int64_t begin, int64_t end, void *scratch);

// Computes up to GROUP squares.
typedef void ComputeSquares(const Job &, const Square *, int count, void *scratch);

// The positions first..first + count - 1 of the list; false as for `Compute`.
inline bool find(const Job &job, int64_t first, int count, int *p) {
    const int64_t last = (int64_t)job.rows * job.pitch - 2;
    for (int m = 0; m < count; m++) {
        const unsigned i = (unsigned)(first + m);
        p[m] = job.positions ? job.positions[i] : (int)(i + 1 + i / (job.pitch - 2u) * 2);
        const int before = job.positions && i ? job.positions[i - 1] : 0;
        if (p[m] <= before || p[m] > last) return false;
    }
    return true;
}

struct Path {
    Compute *compute;
    ComputeSquares *squares;
};

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

#if TILES
#include "amx.h"
#endif
#endif

namespace {

// How many pieces lie beside each other.
int64_t across(const Job &job) { return (job.pitch - 3) / WIDTH + 1; }

Path choose(const Job &job) {
#if TILES
    if (job.level == 4 && job.pairs) return amx::choose(job);
#endif
#if X86
    if (job.level >= 3) return avx512_bf16::choose(job);
    if (job.level == 2) return avx512::choose(job);
    if (job.level == 1) return avx2::choose(job);
#endif
    return portable::choose(job);
}

// Computes squares, some at a time.
void compute_squares(const Job &job, const Path &path, const Square *square, int64_t count,
                     void *scratch) {
    for (int64_t first = 0; first < count; first += GROUP)
        path.squares(job, square + first, (int)std::min<int64_t>(count - first, GROUP), scratch);
}

// Computes a piece as a whole: two rows from `row` on, or the last one, columns column..end - 1.
bool compute_all(const Job &job, const Path &path, int64_t row, int64_t column, int64_t end,
                 void *scratch) {
    Square squares[WIDTH / 2];
    const int64_t rows = std::min<int64_t>(2, job.rows - row), width = job.pitch - 2;
    const int64_t pairs = rows == 2 ? (end - column) / 2 : 0;
    for (int64_t s = 0; s < pairs; s++) {
        const int32_t p = (int32_t)(row * job.pitch + column + 2 * s);
        const int32_t i = (int32_t)(row * width + column - 1 + 2 * s), below = i + (int32_t)width;
        squares[s] = {p, {i, i + 1, below, below + 1}};
    }
    compute_squares(job, path, squares, pairs, scratch);
    bool sound = true;
    for (int64_t y = row; y < row + rows; y++)
        sound &= path.compute(job, y * width + column - 1 + 2 * pairs, y * width + end - 1, scratch);
    return sound;
}

// Computes what the list has of a piece: two rows, WIDTH columns. Squares of which at least two
// pixels are wanted are computed as such, since a square costs about two positions. False as for
// `Compute`.
bool compute_piece(const Job &job, const Path &path, int64_t piece, void *scratch) {
    const int64_t row = piece / across(job) * 2, column = 1 + piece % across(job) * WIDTH;
    const int64_t end = std::min<int64_t>(column + WIDTH, job.pitch - 1);
    if (!job.positions) return compute_all(job, path, row, column, end, scratch);
    const int32_t *const list = job.positions, *const stop = list + job.count;
    const bool leftmost = column == 1, rightmost = end == job.pitch - 1;
    Square squares[WIDTH / 2];
    int wanted[WIDTH / 2] = {};
    const int64_t pairs = row + 1 < job.rows ? (end - column) / 2 : 0;
    for (int64_t s = 0; s < pairs; s++)
        squares[s] = {(int32_t)(row * job.pitch + column + 2 * s), {-1, -1, -1, -1}};
    int32_t p[2 * WIDTH + 4], which[2 * WIDTH + 4], place[2 * WIDTH + 4];  // a square or -1
    int count = 0;
    for (int64_t y = row; y < std::min<int64_t>(row + 2, job.rows); y++) {
        const int64_t start = y * job.pitch;  // lists may have the zero columns, too
        const int64_t first = std::lower_bound(list, stop, start + (leftmost ? 0 : column)) - list;
        const int64_t last =
            std::lower_bound(list, stop, start + (rightmost ? job.pitch : end)) - list;
        if (start == 0 && leftmost && first > 0) return false;
        if (y + 1 == job.rows && rightmost && last < job.count) return false;
        if (last < first || last - first > WIDTH + 2) return false;
        for (int64_t i = first; i < last; i++, count++) {
            const int64_t x = list[i] - start - column;
            if (list[i] < start || list[i] >= start + job.pitch) return false;
            if (i > first && list[i] <= list[i - 1]) return false;
            p[count] = list[i];
            which[count] = (int32_t)i;
            place[count] = x >= 0 && x / 2 < pairs ? (int32_t)(x / 2) : -1;
            if (place[count] < 0) continue;
            squares[x / 2].which[(y - row) * 2 + x % 2] = (int32_t)i;
            wanted[x / 2]++;
        }
    }
    Job rest = job;
    float scales[2 * WIDTH + 4];
    rest.count = 0;
    for (int i = 0; i < count; i++) {
        if (place[i] >= 0 && wanted[place[i]] >= 2) continue;
        if (job.scales) scales[rest.count] = job.scales[which[i]];
        p[rest.count++] = p[i];
    }
    rest.positions = p;
    if (job.scales) rest.scales = scales;
    int found = 0;
    for (int64_t s = 0; s < pairs; s++)
        if (wanted[s] >= 2) squares[found++] = squares[s];
    compute_squares(job, path, squares, found, scratch);
    return path.compute(rest, 0, rest.count, scratch);
}

// A job that several threads work on. Each begins with its own share, which from layer to layer is
// about the same part of the picture and stays in its cache, and then helps the others.
struct Work {
    const Job &job;
    Path path;
    int64_t items;  // pieces, or stretches of WIDTH positions
    int threads;
    std::unique_ptr<std::atomic<int64_t>[]> taken;  // of each share
    std::atomic<bool> sound{true};

    void help(int me) {
        const int64_t most = (int64_t)GROUP * 16 * (job.cin + 64) + 16;
        thread_local std::vector<float> memory;
        if ((int64_t)memory.size() < most) memory.resize(most);
        void *scratch = (void *)(((uintptr_t)memory.data() + 63) / 64 * 64);
        for (int i = 0; i < threads; i++) {
            const int whose = (me + i) % threads;
            const int64_t end = items * (whose + 1) / threads;
            for (;;) {
                const int64_t item = items * whose / threads + taken[whose]++;
                if (item >= end) break;
                if (job.squares ? !compute_piece(job, path, item, scratch)
                                : !path.compute(job, item * WIDTH,
                                                std::min((item + 1) * WIDTH, job.count), scratch))
                    sound = false;
            }
        }
    }
};

// PyTorch's own OpenMP threads are used where there are any: others would compete with them, as
// they stay awake for a while after each use.
void share(Work &work) {
#ifndef _WIN32
    typedef void Parallel(void (*)(void *), void *, unsigned, unsigned);
    typedef int Number();
    static Parallel *const parallel = (Parallel *)dlsym(RTLD_DEFAULT, "GOMP_parallel");
    static Number *const number = (Number *)dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    if (parallel && number) {
        const auto help = [](void *work) { ((Work *)work)->help(number()); };
        return parallel(help, &work, work.threads, 0);
    }
#endif
    std::vector<std::thread> others;
    for (int i = 1; i < work.threads; i++) others.emplace_back(&Work::help, &work, i);
    work.help(0);
    for (std::thread &other : others) other.join();
}

}  // namespace

// The best of the levels that the processor has: 0 portable, 1 AVX2, 2 AVX-512, 3 with bfloat16,
// 4 with tiles of it.
EXPORT int fovea_level() {
#if X86
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 1;
#if TILES
    static const bool tiles = __builtin_cpu_supports("avx512bf16") && amx::available();
    if (tiles) return 4;
#endif
    // Intel's multiply pairs no faster than single numbers, and rounding them takes time.
    return __builtin_cpu_supports("avx512bf16") && !__builtin_cpu_is("intel") ? 3 : 2;
#else
    return 0;
#endif
}

// Returns whether the list was sound.
EXPORT int fovea_convolve(const Job *job) {
    if (job->count == 0) return 1;  // an empty list may have no address
    const int64_t items = job->squares ? (job->rows + 1) / 2 * across(*job)
                                       : (job->count + WIDTH - 1) / WIDTH;
    const int threads = (int)std::max<int64_t>(1, std::min<int64_t>(job->threads, items));
    Work work{*job, choose(*job), items, threads,
              std::make_unique<std::atomic<int64_t>[]>((size_t)threads)};
    if (threads == 1)
        work.help(0);
    else
        share(work);
    return work.sound;
}
