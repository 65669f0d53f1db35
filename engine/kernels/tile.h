// The arithmetic for one kind of processor. convolve.cpp includes this once per kind, with
//   KIND, TARGET  a namespace, and the attribute that lets its functions use the instructions
//   LANES         floats in a vector
//   BLOCK         outputs computed together
//   TILE(n)       how many positions to compute together when a block is n vectors; divides GROUP
//   PAIRS         whether products of bfloat16 pairs can be summed in float32

namespace KIND {

#ifdef __GNUC__
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

TARGET inline Vector load(const float *x) { return *(const Vector *)x; }
#if LANES == 16
TARGET inline __mmask16 first(int count) { return (__mmask16)((1 << count) - 1); }
// Compilers make five times as much of the general form.
TARGET inline Vector load(const bfloat16 *x, int count = LANES) {
    const __m256i halves = _mm256_maskz_loadu_epi16(first(count), x);
    return (Vector)((Words)_mm512_maskz_cvtepu16_epi32(first(LANES), halves) << 16);
}
#else
TARGET inline Vector load(const bfloat16 *x) {
    return (Vector)(__builtin_convertvector(*(const Halves *)x, Words) << 16);
}
#endif
TARGET inline void store(float *x, Vector value) { *(Vector *)x = value; }
TARGET inline void store(bfloat16 *x, Vector value) {
#if PAIRS
    *(Halves *)x = (Halves)_mm512_cvtneps_pbh((__m512)value);
#else
    const Words bits = (Words)value, even = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    *(Halves *)x = __builtin_convertvector(value == value ? even : Words() + 0x7fc0, Halves);
#endif
}
TARGET inline Vector activated(Vector x, Vector slopes) { return x > 0 ? x : x * slopes; }
// 1 / (1 + e^-x): e^-x is 2^n times 2^f, an integer n and a Taylor polynomial of f in -0.5..0.5.
TARGET inline Vector sigmoid(Vector x) {
    Vector power = x * -1.44269504f;
    power = power > 126 ? Vector() + 126 : power < -126 ? Vector() - 126 : power;
    const Vector n = power + 12582912 - 12582912, f = (power - n) * 0.693147181f;
    Vector e = f * (1.f / 720) + 1.f / 120;
    for (float coefficient : {1.f / 24, 1.f / 6, 0.5f, 1.f, 1.f}) e = e * f + coefficient;
    const Words two_to_n = __builtin_convertvector(n + 127, Words) << 23;
    return 1 / (1 + e * (Vector)two_to_n);
}
#else
struct Vector {
    float lane[LANES];
    float operator[](int i) const { return lane[i]; }
};
inline Vector operator*(Vector a, float b) {
    for (float &x : a.lane) x *= b;
    return a;
}
inline Vector operator*(Vector a, const Vector &b) {
    for (int i = 0; i < LANES; i++) a.lane[i] *= b[i];
    return a;
}
inline Vector operator+(Vector a, const Vector &b) {
    for (int i = 0; i < LANES; i++) a.lane[i] += b[i];
    return a;
}
inline Vector operator-(Vector a, const Vector &b) {
    for (int i = 0; i < LANES; i++) a.lane[i] -= b[i];
    return a;
}
template <class T>
inline Vector load(const T *x) {
    Vector value;
    for (int i = 0; i < LANES; i++) value.lane[i] = get(x + i);
    return value;
}
template <class T>
inline void store(T *x, const Vector &value) {
    for (int i = 0; i < LANES; i++) put(x + i, value[i]);
}
inline Vector activated(Vector x, const Vector &slopes) {
    for (int i = 0; i < LANES; i++) x.lane[i] *= x[i] > 0 ? 1 : slopes[i];
    return x;
}
inline Vector sigmoid(Vector x) {
    for (float &value : x.lane) value = 1 / (1 + std::exp(-value));
    return x;
}
#endif

// The first `count` lanes alone.
#if LANES == 16
TARGET inline Vector load(const float *x, int count) {
    return (Vector)_mm512_maskz_loadu_ps(first(count), x);
}
TARGET inline void store(float *x, Vector value, int count) {
    _mm512_mask_storeu_ps(x, first(count), (__m512)value);
}
TARGET inline void store(bfloat16 *x, Vector value, int count) {
    bfloat16 all[LANES];
    store(all, value);
    _mm256_mask_storeu_epi16(x, first(count), _mm256_loadu_si256((const __m256i *)all));
}
#else
template <class T>
TARGET inline Vector load(const T *x, int count) {
    float all[LANES] = {};
    for (int i = 0; i < count; i++) all[i] = get(x + i);
    return load(all);
}
template <class T>
TARGET inline void store(T *x, Vector value, int count) {
    T all[LANES];
    store(all, value);
    memcpy(x, all, count * sizeof *x);
}
#endif

struct Single {  // an operand is one channel
    typedef float Operand;
    static TARGET Vector sum(Vector total, Vector weight, float x) { return total + weight * x; }
};

#if PAIRS
struct Pair {  // an operand is two bfloat16 channels
    typedef int Operand __attribute__((may_alias, aligned(2)));
    static TARGET Vector sum(Vector total, Vector weight, int x) {
        return (Vector)_mm512_dpbf16_ps((__m512)total, (__m512bh)weight,
                                        (__m512bh)_mm512_set1_epi32(x));
    }
};
#endif

// The sums of M positions and N vectors of outputs. Each position reads `rows` times `length`
// operands; the rows are `stride` apart.
template <class Product, int M, int N>
TARGET void tile(const typename Product::Operand *const *operands, int64_t rows, int64_t length,
                 int64_t stride, const float *weights, const float *bias, float *sums) {
    const typename Product::Operand *x[M];
    Vector total[M][N];
#pragma GCC unroll 8
    for (int m = 0; m < M; m++) {
        x[m] = operands[m];
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) total[m][n] = load(bias + n * LANES);
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t k = 0; k < length; k++, weights += N * LANES) {
            Vector weight[N];
#pragma GCC unroll 8
            for (int n = 0; n < N; n++) weight[n] = load(weights + n * LANES);
#pragma GCC unroll 8
            for (int m = 0; m < M; m++)
#pragma GCC unroll 8
                for (int n = 0; n < N; n++)
                    total[m][n] = Product::sum(total[m][n], weight[n], x[m][k]);
        }
#pragma GCC unroll 8
        for (int m = 0; m < M; m++) x[m] += stride;
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) store(sums + m * BLOCK + n * LANES, total[m][n]);
}

// The sums of `count` positions and one block of outputs, which is `vectors` wide.
template <class Product, int N = BLOCK / LANES>
TARGET void block(int vectors, const typename Product::Operand *const *operands, int count,
                  int64_t rows, int64_t length, int64_t stride, const float *weights,
                  const float *bias, float *sums) {
    if constexpr (N > 0) {
        if (vectors < N)
            return block<Product, N - 1>(vectors, operands, count, rows, length, stride, weights,
                                         bias, sums);
        for (int m = 0; m < count; m += TILE(N))
            tile<Product, TILE(N), N>(operands + m, rows, length, stride, weights, bias,
                                      sums + m * BLOCK);
    }
}

// Activation and scale of the sums, and how they meet what was there.
TARGET inline Vector met(const float *sums, const float *slopes, float scale, int how, Vector old) {
    const Vector value = activated(load(sums), load(slopes)) * scale;
    return how == MULTIPLY ? sigmoid(value) * old : how == ADD ? value + old : value;
}

// The way of `count` outputs of one position into the target.
template <class T>
TARGET inline void finish(const float *sums, const float *slopes, float scale, int how, int count,
                          T *target) {
    int c = 0;
    for (; c <= count - LANES; c += LANES) {
        const Vector old = how == WRITE ? Vector() : load(target + c);
        store(target + c, met(sums + c, slopes + c, scale, how, old));
    }
    if (c < count) {
        const Vector old = how == WRITE ? Vector() : load(target + c, count - c);
        store(target + c, met(sums + c, slopes + c, scale, how, old), count - c);
    }
}

// Copies `count` channels in the type of the products.
template <class From>
TARGET void convert(const From *from, float *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = get(from + i);
}
#if PAIRS
TARGET inline void convert(const bfloat16 *from, bfloat16 *to, int64_t count) {
    memcpy(to, from, count * sizeof *to);
}
TARGET inline void convert(const float *from, bfloat16 *to, int64_t count) {
    int64_t i = 0;
    for (; i <= count - 32; i += 32) {
        const __m512 low = _mm512_loadu_ps(from + i), high = _mm512_loadu_ps(from + i + 16);
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    for (; i < count; i += 16) {
        const __mmask16 some = count - i < 16 ? (1 << (count - i)) - 1 : -1;
        const __m512 x = _mm512_maskz_loadu_ps(some, from + i);
        _mm256_mask_storeu_epi16(to + i, some, (__m256i)_mm512_cvtneps_pbh(x));
    }
}
#endif

// Finds where the operands of `count` positions begin, and returns the stride of their rows. If the
// source does not hold operands, each pixel that these positions share is converted once.
template <class Product, class From, class To>
TARGET int64_t gather(const Job &job, const int *p, int count, int64_t channels, To *scratch,
                      const typename Product::Operand **operands) {
    typedef const typename Product::Operand Operand;
    const From *source = (const From *)job.source;
    const int64_t row = (int64_t)job.pitch * job.cin, stride = (int64_t)GROUP * job.size * channels;
    if (std::is_same<From, To>::value && channels == job.cin) {
        for (int m = 0; m < count; m++)
            operands[m] = (Operand *)(source + (int64_t)(p[m] - job.size / 2) * channels);
        return row;
    }
    for (int m = 0; m < count; m++) {
        const int fresh = m ? std::min(p[m] - p[m - 1], job.size) : job.size;
        const From *from = source + (int64_t)(p[m] - job.size / 2 + job.size - fresh) * job.cin;
        for (int i = 0; i < job.size * fresh; i++) {
            To *to = scratch + i / fresh * stride + i % fresh * channels;
            convert(from + i / fresh * row + i % fresh * job.cin, to, job.cin);
            if (channels > job.cin) to[job.cin] = To();
        }
        scratch += fresh * channels;
        operands[m] = (Operand *)(scratch - job.size * channels);
    }
    return stride;
}

// A `Compute` whose source is of type From, its products of type To and its target of type T.
template <class Product, class From, class To, class T>
TARGET bool compute(const Job &job, int64_t begin, int64_t end, void *scratch) {
    typedef typename Product::Operand Operand;
    const int64_t each = sizeof(Operand) / sizeof(To), channels = (job.cin + each - 1) / each * each;
    const int64_t length = job.size * channels / each, outputs = (job.cout + 15) / 16 * 16;
    alignas(64) float sums[GROUP * BLOCK];
    const Operand *operands[GROUP];
    int p[GROUP];
    for (int64_t first = begin; first < end; first += GROUP) {
        const int count = (int)std::min<int64_t>(end - first, GROUP);
        if (!find(job, first, count, p)) return false;
        const int64_t stride =
            gather<Product, From>(job, p, count, channels, (To *)scratch, operands);
        std::fill(operands + count, operands + GROUP, operands[count - 1]);
        for (int64_t c = 0; c < outputs; c += BLOCK) {
            block<Product>((int)(outputs - c) / LANES, operands, count, job.size, length,
                           stride / each,
                           job.panels + outputs + c * job.size * length, job.panels + c, sums);
            for (int m = 0; m < count; m++)
                finish(sums + m * BLOCK, job.slopes + c,
                       job.scales ? job.scales[first + m] : job.scale, job.how,
                       (int)std::min<int64_t>(job.cout - c, BLOCK),
                       (T *)job.target + (int64_t)p[m] * job.cout + c);
        }
    }
    return true;
}

// The 16 transforms of the 4 x 4 pixels at `from`, B^T d B, `channels` each, `apart` elements apart.
// The last vector may begin among the channels of the one before.
template <class From, class To>
TARGET void transform(const From *from, int64_t row, int64_t channels, To *to, int64_t apart) {
    for (int64_t first = 0; first < channels; first += LANES) {
        const int64_t c = std::min<int64_t>(first, channels - LANES);
        Vector d[4][4];
#pragma GCC unroll 8
        for (int j = 0; j < 4; j++) {
            Vector x[4];
#pragma GCC unroll 8
            for (int i = 0; i < 4; i++) x[i] = load(from + i * row + j * channels + c);
            d[0][j] = x[0] - x[2];
            d[1][j] = x[1] + x[2];
            d[2][j] = x[2] - x[1];
            d[3][j] = x[1] - x[3];
        }
#pragma GCC unroll 8
        for (int i = 0; i < 4; i++) {
            To *out = to + 4 * i * apart + c;
            store(out, d[i][0] - d[i][2]);
            store(out + apart, d[i][1] + d[i][2]);
            store(out + 2 * apart, d[i][2] - d[i][1]);
            store(out + 3 * apart, d[i][1] - d[i][3]);
        }
    }
}

// The 2 x 2 results, A^T m A, of a block of outputs from its 16 sums, `apart` elements apart.
TARGET inline void untransform(const float *sums, int64_t apart, int vectors, float *results) {
    for (int c = 0; c < vectors * LANES; c += LANES) {
        Vector s[2][4];
#pragma GCC unroll 8
        for (int j = 0; j < 4; j++) {
            const float *m = sums + j * apart + c;
            const Vector m1 = load(m + 4 * apart), m2 = load(m + 8 * apart);
            s[0][j] = load(m) + m1 + m2;
            s[1][j] = m1 - m2 - load(m + 12 * apart);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 2; i++) {
            store(results + 2 * i * BLOCK + c, s[i][0] + s[i][1] + s[i][2]);
            store(results + (2 * i + 1) * BLOCK + c, s[i][1] - s[i][2] - s[i][3]);
        }
    }
}

// A `ComputeSquares`, types as those of `compute`.
template <class Product, class From, class To, class T>
TARGET void squares(const Job &job, const Square *square, int count, void *scratch) {
    typedef typename Product::Operand Operand;
    const int64_t row = (int64_t)job.pitch * job.cin, apart = (int64_t)GROUP * job.cin;
    const int64_t length = job.cin * sizeof(To) / sizeof(Operand);
    const int64_t outputs = (job.cout + 15) / 16 * 16;
    const float *panels = job.panels + outputs + outputs * 9 * length, none[BLOCK] = {};
    To *transforms = (To *)scratch;
    float *sums = (float *)(transforms + 16 * apart);
    for (int m = 0; m < count; m++)
        transform((const From *)job.source + (int64_t)(square[m].p - 1) * job.cin, row, job.cin,
                  transforms + m * job.cin, apart);
    for (int64_t c = 0; c < outputs; c += BLOCK) {
        const int64_t width = std::min<int64_t>(outputs - c, BLOCK);
        for (int f = 0; f < 16; f++, panels += width * length) {
            const Operand *operands[GROUP];
            for (int m = 0; m < GROUP; m++)
                operands[m] = (Operand *)(transforms + f * apart + std::min(m, count - 1) * job.cin);
            // the transform 5 has a part of 1 in each of the four results
            block<Product>((int)(width / LANES), operands, count, 1, length, 0, panels,
                           f == 5 ? job.panels + c : none, sums + f * GROUP * BLOCK);
        }
        for (int m = 0; m < count; m++) {
            alignas(64) float results[4 * BLOCK];
            untransform(sums + m * BLOCK, GROUP * BLOCK, (int)(width / LANES), results);
            for (int k = 0; k < 4; k++) {
                const int which = square[m].which[k];
                if (which < 0) continue;
                finish(results + k * BLOCK, job.slopes + c, job.scales ? job.scales[which] : job.scale,
                       job.how, (int)std::min<int64_t>(job.cout - c, BLOCK),
                       (T *)job.target +
                           (int64_t)(square[m].p + k / 2 * job.pitch + k % 2) * job.cout + c);
            }
        }
    }
}

template <class Product, class From, class To, class T>
Path path() {
    return {compute<Product, From, To, T>, squares<Product, From, To, T>};
}

template <class Product, class To>
Path choose(const Job &job) {
    if (job.from_bfloat16)
        return job.to_bfloat16 ? path<Product, bfloat16, To, bfloat16>()
                               : path<Product, bfloat16, To, float>();
    return job.to_bfloat16 ? path<Product, float, To, bfloat16>()
                           : path<Product, float, To, float>();
}

inline Path choose(const Job &job) {
#if PAIRS
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
#undef PAIRS
