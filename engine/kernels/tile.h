// The convolution for one kind of processor. convolve.cpp includes this once per kind, with
//   KIND, TARGET  a namespace and the attribute that lets its functions use the instructions
//   LANES         floats in a vector
//   BLOCK         outputs computed together, in vectors; registers hold TILE(vectors) positions of it
//   DOT           whether pairs of bfloat16 can be multiplied and summed in float32

namespace KIND {

#ifdef __GNUC__
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

TARGET inline Vector load(const float *x) { return *(const Vector *)x; }
TARGET inline Vector load(const bfloat16 *x) {
    return (Vector)(__builtin_convertvector(*(const Halves *)x, Words) << 16);
}
TARGET inline void store(float *x, Vector value) { *(Vector *)x = value; }
TARGET inline void store(bfloat16 *x, Vector value) {
#if DOT
    *(Halves *)x = (Halves)_mm512_cvtneps_pbh((__m512)value);
#else
    const Words bits = (Words)value, even = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    *(Halves *)x = __builtin_convertvector(value == value ? even : Words() + 0x7fc0, Halves);
#endif
}
TARGET inline Vector activated(Vector x, Vector slopes) { return x > 0 ? x : x * slopes; }
#else
struct Vector {
    float lane[LANES];
    float operator[](int i) const { return lane[i]; }
};
inline Vector operator*(Vector a, float b) {
    for (float &x : a.lane) x *= b;
    return a;
}
inline Vector operator+(Vector a, const Vector &b) {
    for (int i = 0; i < LANES; i++) a.lane[i] += b[i];
    return a;
}
inline Vector load(const float *x) {
    Vector value;
    for (int i = 0; i < LANES; i++) value.lane[i] = x[i];
    return value;
}
inline Vector load(const bfloat16 *x) {
    Vector value;
    for (int i = 0; i < LANES; i++) value.lane[i] = get(x + i);
    return value;
}
inline void store(float *x, const Vector &value) {
    for (int i = 0; i < LANES; i++) x[i] = value[i];
}
inline void store(bfloat16 *x, const Vector &value) {
    for (int i = 0; i < LANES; i++) put(x + i, value[i]);
}
inline Vector activated(Vector x, const Vector &slopes) {
    for (int i = 0; i < LANES; i++) x.lane[i] *= x[i] > 0 ? 1 : slopes[i];
    return x;
}
#endif

struct Single {  // one float32 channel at a time
    typedef float Operand;
    static TARGET Vector sum(Vector total, Vector weight, float x) { return total + weight * x; }
};

#if DOT
struct Pair {  // two bfloat16 channels at a time
    typedef int Operand __attribute__((may_alias));
    static TARGET Vector sum(Vector total, Vector weight, int x) {
        return (Vector)_mm512_dpbf16_ps((__m512)total, (__m512bh)weight,
                                        (__m512bh)_mm512_set1_epi32(x));
    }
};
#endif

// Sums of M positions and N vectors of outputs. Each operand is read from `runs` pieces of memory
// `stride` apart, one per row of the picture.
template <class Kind, int M, int N>
TARGET void tile(const typename Kind::Operand *const *operands, long runs, long length, long stride,
                 const float *weights, const float *bias, float *sums) {
    const typename Kind::Operand *x[M];
    Vector total[M][N];
    for (int m = 0; m < M; m++) {
        x[m] = operands[m];
        for (int n = 0; n < N; n++) total[m][n] = load(bias + n * LANES);
    }
    for (long run = 0; run < runs; run++) {
        for (long k = 0; k < length; k++, weights += N * LANES) {
            Vector weight[N];
            for (int n = 0; n < N; n++) weight[n] = load(weights + n * LANES);
            for (int m = 0; m < M; m++)
                for (int n = 0; n < N; n++)
                    total[m][n] = Kind::sum(total[m][n], weight[n], x[m][k]);
        }
        for (int m = 0; m < M; m++) x[m] += stride;
    }
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) store(sums + m * BLOCK + n * LANES, total[m][n]);
}

template <class Kind, int N>
TARGET void tiles(const typename Kind::Operand *const *operands, int count, long runs, long length,
                  long stride, const float *weights, const float *bias, float *sums) {
    for (int m = 0; m < count; m += TILE(N))
        tile<Kind, TILE(N), N>(operands + m, runs, length, stride, weights, bias, sums + m * BLOCK);
}

// Activation, scale and the way into the target, for `count` outputs of one position.
template <class T>
TARGET inline void finish(const float *sums, const float *slopes, float scale, bool add, int count,
                          T *target) {
    for (int c = 0; c < count; c += LANES) {
        const Vector value = activated(load(sums + c), load(slopes + c)) * scale;
        if (count - c >= LANES) {
            store(target + c, add ? value + load(target + c) : value);
        } else {
            for (int i = c; i < count; i++)
                put(target + i, add ? value[i - c] + get(target + i) : value[i - c]);
        }
    }
}

// Copies `count` numbers as operands.
template <class From>
TARGET void convert(const From *from, float *to, long count) {
    for (long i = 0; i < count; i++) to[i] = get(from + i);
}
#if DOT
TARGET inline void convert(const bfloat16 *from, bfloat16 *to, long count) {
    memcpy(to, from, count * sizeof *to);
}
TARGET inline void convert(const float *from, bfloat16 *to, long count) {
    for (long i = 0; i < count; i += 16) {
        const __mmask16 some = count - i < 16 ? (1 << (count - i)) - 1 : -1;
        const __m512 x = _mm512_maskz_loadu_ps(some, from + i);
        _mm256_mask_storeu_epi16(to + i, some, (__m256i)_mm512_cvtneps_pbh(x));
    }
}
#endif

// Where the operands of a group of positions begin: in the source itself if it holds operands, else
// in `scratch`, into which each pixel that the group needs is converted once.
template <class From, class To>
TARGET void gather(const Job &job, const From *source, const int *p, int count, long channels,
                   To *scratch, const To **operands, long *stride) {
    if (std::is_same<From, To>::value && channels == job.cin) {
        *stride = (long)job.pitch * channels;
        for (int m = 0; m < count; m++)
            operands[m] = (const To *)source + (p[m] - job.size / 2) * channels;
        return;
    }
    *stride = (long)GROUP * job.size * channels;
    To *end = scratch;
    for (int m = 0; m < count; m++) {
        const int fresh = m && p[m] - p[m - 1] < job.size ? p[m] - p[m - 1] : job.size;
        const From *from = source + (p[m] - job.size / 2 + job.size - fresh) * (long)job.cin;
        for (int row = 0; row < job.size; row++, from += (long)job.pitch * job.cin) {
            To *to = end + row * *stride;
            if (channels == job.cin) {
                convert(from, to, fresh * channels);
            } else {
                for (int pixel = 0; pixel < fresh; pixel++, to += channels) {
                    convert(from + pixel * job.cin, to, job.cin);
                    to[job.cin] = To();
                }
            }
        }
        end += fresh * channels;
        operands[m] = end - job.size * channels;
    }
}

// The positions begin..end - 1 of the list.
template <class Kind, class To, class From, class T>
TARGET void positions(const Job &job, long begin, long end, void *scratch) {
    typedef typename Kind::Operand Operand;
    const long pack = sizeof(Operand) / sizeof(To), channels = (job.cin + pack - 1) / pack * pack;
    const long length = job.size * channels / pack, outputs = (job.cout + 15) / 16 * 16;
    const unsigned width = job.pitch - 2;
    const long last = (long)job.rows * job.pitch - 2;
    alignas(64) float sums[GROUP * BLOCK];
    for (long first = begin; first < end; first += GROUP) {
        const int count = end - first < GROUP ? (int)(end - first) : GROUP;
        int p[GROUP];
        for (int m = 0; m < count; m++) {
            const long i = first + m;
            p[m] = job.positions ? job.positions[i] : (int)(i + 1 + 2 * ((unsigned)i / width));
            if (p[m] < 1 || p[m] > last || (m && p[m] <= p[m - 1])) {
                job.failed->store(true);
                return;
            }
        }
        const To *operands[GROUP];
        long stride;
        gather<From, To>(job, (const From *)job.source, p, count, channels, (To *)scratch, operands,
                         &stride);
        for (int m = count; m < GROUP; m++) operands[m] = operands[count - 1];
        for (long c = 0; c < outputs; c += BLOCK) {
            const int vectors = (int)((outputs - c < BLOCK ? outputs - c : BLOCK) / LANES);
            const float *weights = job.panels + outputs + c * job.size * length;
            const auto *x = (const Operand *const *)operands;
#define TILES(N) \
    tiles<Kind, N>(x, count, job.size, length, stride / pack, weights, job.panels + c, sums)
            if (vectors == BLOCK / LANES) TILES(BLOCK / LANES);
#if BLOCK / LANES == 4 && BLOCK > 16
            if (vectors == 3) TILES(3);
            if (vectors == 2) TILES(2);
            if (vectors == 1) TILES(1);
#endif
#undef TILES
            const int used = (int)(job.cout - c < BLOCK ? job.cout - c : BLOCK);
            for (int m = 0; m < count; m++)
                finish(sums + m * BLOCK, job.slopes + c, job.scales ? job.scales[first + m] : job.scale,
                       job.add, used, (T *)job.target + (long)p[m] * job.cout + c);
        }
    }
}

template <class Kind, class To>
Positions *choose(const Job &job) {
    if (job.from_bfloat16)
        return job.to_bfloat16 ? positions<Kind, To, bfloat16, bfloat16>
                               : positions<Kind, To, bfloat16, float>;
    return job.to_bfloat16 ? positions<Kind, To, float, bfloat16>
                           : positions<Kind, To, float, float>;
}

inline Positions *choose(const Job &job) {
#if DOT
    if (job.pairs) return choose<Pair, bfloat16>(job);
#endif
    return choose<Single, float>(job);
}

}  // namespace KIND

#undef KIND
#undef TARGET
#undef LANES
#undef BLOCK
#undef TILE
#undef DOT
