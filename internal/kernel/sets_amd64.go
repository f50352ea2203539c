//go:build amd64 && !purego

package kernel

func avx2Set64() *Set[float64] {
	s := *plain64
	s.Name = "AVX2"
	s.I8 = panels(avx2Forward64I8, avx2Backward64I8, avx2Widen64I8)
	s.I16 = panels(avx2Forward64I16, avx2Backward64I16, avx2Widen64I16)
	s.I32 = panels(avx2Forward64I32, avx2Backward64I32, avx2Widen64I32)
	s.F32 = panels(avx2Forward64F32, avx2Backward64F32, avx2Widen64F32)
	s.F64 = panels(avx2Forward64F64, avx2Backward64F64, avx2Widen64F64)
	s.SumRows = sumBy(avx2SumRows64)
	s.Gram = gramBy(avx2Gram64)
	s.Tile = tiles(3, [][]tileFunc{
		{avx2Tile64By1x1, avx2Tile64By1x2, avx2Tile64By1x3},
		{avx2Tile64By2x1, avx2Tile64By2x2, avx2Tile64By2x3},
		{avx2Tile64By3x1, avx2Tile64By3x2, avx2Tile64By3x3},
	})
	const step = 8
	s.Map1 = map[string]func(out, a []float64){
		"neg":      by1(step, avx2Neg64, negMap),
		"abs":      by1(step, avx2Abs64, absMap),
		"relu":     by1(step, avx2Relu64, relu),
		"exp":      by1(step, avx2Exp64, exp64),
		"expnabs":  by1(step, avx2ExpNegAbs64, expNegAbs64),
		"tanh":     by1(step, avx2Tanh64, tanh64),
		"log":      byWhile(step, avx2Log64, log64),
		"log1p":    byWhile(step, avx2Log1pUnit64, log1p64),
		"sigmoid":  by1(step, sigmoidBy(avx2SigmoidPair64), sigmoid),
		"softplus": by1(step, softplusBy(avx2SigmoidPair64), softplus),
	}
	s.Map2 = map[string]func(out, a, b []float64){
		"add":  by2(step, avx2Add64, addMap),
		"sub":  by2(step, avx2Sub64, subMap),
		"mul":  by2(step, avx2Mul64, mulMap),
		"div":  by2(step, avx2Div64, divMap),
		"max":  by2(step, avx2Max64, maxMap),
		"gt":   by2(step, avx2Gt64, gtMap),
		"mask": by2(step, avx2Mask64, maskMap),
	}
	s.Map3 = map[string]func(out, a, b, c []float64){"pick": by3(step, avx2Pick64, pick)}
	s.Fused = fusedBy(step, avx2SoftplusLine64, avx2SigmoidPair64)
	return &s
}

func avx2Set32() *Set[float32] {
	s := *plain32
	s.Name = "AVX2"
	s.I8 = panels(avx2Forward32I8, avx2Backward32I8, avx2Widen32I8)
	s.I16 = panels(avx2Forward32I16, avx2Backward32I16, avx2Widen32I16)
	s.I32 = panels(avx2Forward32I32, avx2Backward32I32, avx2Widen32I32)
	s.F32 = panels(avx2Forward32F32, avx2Backward32F32, avx2Widen32F32)
	s.SumRows = sumBy(avx2SumRows32)
	s.Gram = gramBy(avx2Gram32)
	const step = 16
	s.Map1 = map[string]func(out, a []float32){
		"log":      plain32.Map1["log"],
		"neg":      by1(step, avx2Neg32, negMap),
		"abs":      by1(step, avx2Abs32, absMap),
		"relu":     by1(step, avx2Relu32, relu),
		"exp":      by1(step, avx2Exp32, exp32),
		"expnabs":  by1(step, avx2ExpNegAbs32, expNegAbs32),
		"tanh":     by1(step, avx2Tanh32, tanh32),
		"log1p":    byWhile(step, avx2Log1pUnit32, log1p32),
		"sigmoid":  by1(step, sigmoidBy(avx2SigmoidPair32), sigmoid),
		"softplus": by1(step, softplusBy(avx2SigmoidPair32), softplus),
	}
	s.Map2 = map[string]func(out, a, b []float32){
		"add":  by2(step, avx2Add32, addMap),
		"sub":  by2(step, avx2Sub32, subMap),
		"mul":  by2(step, avx2Mul32, mulMap),
		"div":  by2(step, avx2Div32, divMap),
		"max":  by2(step, avx2Max32, maxMap),
		"gt":   by2(step, avx2Gt32, gtMap),
		"mask": by2(step, avx2Mask32, maskMap),
	}
	s.Map3 = map[string]func(out, a, b, c []float32){"pick": by3(step, avx2Pick32, pick)}
	s.Fused = fusedBy(step, avx2SoftplusLine32, avx2SigmoidPair32)
	return &s
}

func avx512Set64() *Set[float64] {
	s := *plain64
	s.Name = "AVX-512"
	s.I8 = panels(avx512Forward64I8, avx512Backward64I8, avx512Widen64I8)
	s.I16 = panels(avx512Forward64I16, avx512Backward64I16, avx512Widen64I16)
	s.I32 = panels(avx512Forward64I32, avx512Backward64I32, avx512Widen64I32)
	s.F32 = panels(avx512Forward64F32, avx512Backward64F32, avx512Widen64F32)
	s.F64 = panels(avx512Forward64F64, avx512Backward64F64, avx512Widen64F64)
	s.SumRows = sumBy(avx512SumRows64)
	s.Gram = gramBy(avx512Gram64)
	s.Tile = tiles(4, [][]tileFunc{
		{avx512Tile64By1x1, avx512Tile64By1x2, avx512Tile64By1x3, avx512Tile64By1x4},
		{avx512Tile64By2x1, avx512Tile64By2x2, avx512Tile64By2x3, avx512Tile64By2x4},
		{avx512Tile64By3x1, avx512Tile64By3x2, avx512Tile64By3x3, avx512Tile64By3x4},
		{avx512Tile64By4x1, avx512Tile64By4x2, avx512Tile64By4x3, avx512Tile64By4x4},
	})
	const step = 16
	s.Map1 = map[string]func(out, a []float64){
		"neg":      by1(step, avx512Neg64, negMap),
		"abs":      by1(step, avx512Abs64, absMap),
		"relu":     by1(step, avx512Relu64, relu),
		"exp":      by1(step, avx512Exp64, exp64),
		"expnabs":  by1(step, avx512ExpNegAbs64, expNegAbs64),
		"tanh":     by1(step, avx512Tanh64, tanh64),
		"log":      byWhile(step, avx512Log64, log64),
		"log1p":    byWhile(step, avx512Log1pUnit64, log1p64),
		"sigmoid":  by1(step, sigmoidBy(avx512SigmoidPair64), sigmoid),
		"softplus": by1(step, softplusBy(avx512SigmoidPair64), softplus),
	}
	s.Map2 = map[string]func(out, a, b []float64){
		"add":  by2(step, avx512Add64, addMap),
		"sub":  by2(step, avx512Sub64, subMap),
		"mul":  by2(step, avx512Mul64, mulMap),
		"div":  by2(step, avx512Div64, divMap),
		"max":  by2(step, avx512Max64, maxMap),
		"gt":   by2(step, avx512Gt64, gtMap),
		"mask": by2(step, avx512Mask64, maskMap),
	}
	s.Map3 = map[string]func(out, a, b, c []float64){"pick": by3(step, avx512Pick64, pick)}
	s.Fused = fusedBy(step, avx512SoftplusLine64, avx512SigmoidPair64)
	return &s
}

func avx512Set32() *Set[float32] {
	s := *plain32
	s.Name = "AVX-512"
	s.I8 = panels(avx512Forward32I8, avx512Backward32I8, avx512Widen32I8)
	s.I16 = panels(avx512Forward32I16, avx512Backward32I16, avx512Widen32I16)
	s.I32 = panels(avx512Forward32I32, avx512Backward32I32, avx512Widen32I32)
	s.F32 = panels(avx512Forward32F32, avx512Backward32F32, avx512Widen32F32)
	s.SumRows = sumBy(avx512SumRows32)
	s.Gram = gramBy(avx512Gram32)
	const step = 32
	s.Map1 = map[string]func(out, a []float32){
		"log":      plain32.Map1["log"],
		"neg":      by1(step, avx512Neg32, negMap),
		"abs":      by1(step, avx512Abs32, absMap),
		"relu":     by1(step, avx512Relu32, relu),
		"exp":      by1(step, avx512Exp32, exp32),
		"expnabs":  by1(step, avx512ExpNegAbs32, expNegAbs32),
		"tanh":     by1(step, avx512Tanh32, tanh32),
		"log1p":    byWhile(step, avx512Log1pUnit32, log1p32),
		"sigmoid":  by1(step, sigmoidBy(avx512SigmoidPair32), sigmoid),
		"softplus": by1(step, softplusBy(avx512SigmoidPair32), softplus),
	}
	s.Map2 = map[string]func(out, a, b []float32){
		"add":  by2(step, avx512Add32, addMap),
		"sub":  by2(step, avx512Sub32, subMap),
		"mul":  by2(step, avx512Mul32, mulMap),
		"div":  by2(step, avx512Div32, divMap),
		"max":  by2(step, avx512Max32, maxMap),
		"gt":   by2(step, avx512Gt32, gtMap),
		"mask": by2(step, avx512Mask32, maskMap),
	}
	s.Map3 = map[string]func(out, a, b, c []float32){"pick": by3(step, avx512Pick32, pick)}
	s.Fused = fusedBy(step, avx512SoftplusLine32, avx512SigmoidPair32)
	return &s
}
