// The arithmetic of processors that multiply whole tiles of bfloat16 pairs: 16 positions by 32
// channels by 16 outputs in one instruction. Two by two of them share what they read. convolve.cpp
// includes this behind tile.h, whose avx512_bf16 converts and finishes.
//
// Each position reads `size` rows of `length` numbers, the channels of neighbours that lie beside
// each other, or zeros in front of them if they are fewer than 32. The last of its tiles ends where
// the row ends: what it shares with the one before meets weights of zero. Where 16 positions are
// neighbours, tiles read the source itself. Squares would not pay: their transforms take longer
// than the products.

namespace {
namespace amx {

#define TARGET                                                                                 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,amx-tile,amx-bf16")))

enum { SIDE = 16, DEPTH = 32, BLOCK = 2 * SIDE };  // positions or outputs, channels, outputs

// Eight tiles of 16 rows of 64 bytes.
struct alignas(64) Configuration {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE};
};

// Where 16 positions find what they read: the m-th its row y at first + m * apart + y * row.
struct Operands {
    const bfloat16 *first;
    int64_t apart, row;
};

// What `count` positions read, 1 to 16, of which the last stands for those that are missing.
template <class From>
TARGET Operands gather(const Job &job, const int *p, int count, int64_t length, bfloat16 *scratch) {
    const int64_t row = (int64_t)job.pitch * job.cin, width = job.size * job.cin;
    const From *source = (const From *)job.source - (int64_t)(job.size / 2) * job.cin;
    if (width == length && count == SIDE && p[SIDE - 1] - p[0] == SIDE - 1) {
        const From *from = source + (int64_t)p[0] * job.cin;
        if (std::is_same<From, bfloat16>::value) return {(const bfloat16 *)from, job.cin, row};
        const int64_t all = (SIDE - 1 + job.size) * job.cin;
        for (int y = 0; y < job.size; y++)
            avx512_bf16::convert(from + y * row, scratch + y * all, all);
        return {scratch, job.cin, all};
    }
    for (int m = 0; m < SIDE; m++)
        for (int y = 0; y < job.size; y++) {
            bfloat16 *to = scratch + (m * job.size + y) * length;
            const From *from = source + (int64_t)p[std::min(m, count - 1)] * job.cin + y * row;
            std::fill(to, to + length - width, bfloat16());
            avx512_bf16::convert(from, to + length - width, width);
        }
    return {scratch, job.size * length, length};
}

// The sums of two times 16 positions and one or two times 16 outputs.
TARGET inline void multiply(const Operands *operands, int64_t rows, int64_t length, bool two,
                            const float *weights, const float *bias, float *sums) {
    const int64_t apart0 = operands[0].apart * 2, apart1 = operands[1].apart * 2;
    _tile_loadd(0, bias, 0);
    _tile_loadd(2, bias, 0);
    if (two) {
        _tile_loadd(1, bias + SIDE, 0);
        _tile_loadd(3, bias + SIDE, 0);
    }
    for (int64_t y = 0; y < rows; y++)
        for (int64_t k = 0; k < length; k += DEPTH, weights += SIDE * SIDE) {
            const int64_t at = std::min(k, length - DEPTH);
            _tile_loadd(4, operands[0].first + y * operands[0].row + at, apart0);
            _tile_loadd(5, operands[1].first + y * operands[1].row + at, apart1);
            _tile_loadd(6, weights, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(2, 5, 6);
            if (!two) continue;
            weights += SIDE * SIDE;
            _tile_loadd(7, weights, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
    _tile_stored(0, sums, 4 * BLOCK);
    _tile_stored(2, sums + SIDE * BLOCK, 4 * BLOCK);
    if (two) {
        _tile_stored(1, sums + SIDE, 4 * BLOCK);
        _tile_stored(3, sums + SIDE * BLOCK + SIDE, 4 * BLOCK);
    }
}

// A `Compute` whose source is of type From and its target of type T.
template <class From, class T>
TARGET bool compute(const Job &job, int64_t begin, int64_t end, void *scratch) {
    const Configuration configuration;
    const int64_t length = std::max<int64_t>(job.size * job.cin, DEPTH);
    const int64_t tiles = job.size * ((length + DEPTH - 1) / DEPTH);
    const int64_t outputs = (job.cout + SIDE - 1) / SIDE * SIDE;
    alignas(64) float sums[2 * SIDE * BLOCK];
    int p[2 * SIDE];
    bool sound = true;
    _tile_loadconfig(&configuration);
    for (int64_t first = begin; first < end; first += 2 * SIDE) {
        const int count = (int)std::min<int64_t>(end - first, 2 * SIDE);
        if (!(sound = find(job, first, count, p))) break;
        Operands operands[2];
        operands[0] = gather<From>(job, p, std::min<int>(count, SIDE), length, (bfloat16 *)scratch);
        operands[1] = operands[0];
        if (count > SIDE)
            operands[1] = gather<From>(job, p + SIDE, count - SIDE, length,
                                       (bfloat16 *)scratch + SIDE * job.size * length);
        const float *weights = job.panels + outputs;
        for (int64_t c = 0; c < outputs; c += BLOCK) {
            const int64_t width = std::min<int64_t>(outputs - c, BLOCK);
            multiply(operands, job.size, length, width == BLOCK, weights, job.panels + c, sums);
            weights += tiles * width * DEPTH / 2;
            for (int m = 0; m < count; m++)
                avx512_bf16::finish(sums + m * BLOCK, job.slopes + c,
                                    job.scales ? job.scales[first + m] : job.scale, job.how,
                                    (int)std::min<int64_t>(job.cout - c, BLOCK),
                                    (T *)job.target + (int64_t)p[m] * job.cout + c);
        }
    }
    _tile_release();
    return sound;
}

inline Path choose(const Job &job) {
    if (job.from_bfloat16)
        return {job.to_bfloat16 ? compute<bfloat16, bfloat16> : compute<bfloat16, float>, nullptr};
    return {job.to_bfloat16 ? compute<float, bfloat16> : compute<float, float>, nullptr};
}

// Whether the processor multiplies tiles and the system lets this process use them.
inline bool available() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const unsigned wanted = 1u << 22 | 1u << 24;  // amx-bf16, amx-tile
    const long request = 0x1023, tiles = 18;      // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return (d & wanted) == wanted && !syscall(SYS_arch_prctl, request, tiles);
}

#undef TARGET

}  // namespace amx
}  // namespace
