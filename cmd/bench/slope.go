package main

import (
	"fmt"
	"math"
)

// curve is what one operation cost at growing sizes, round by round.
type curve struct {
	name, unit string
	goal       float64     // for the slope
	rounds     [][]float64 // one value a size
}

// slope says how cost grows with size: 0 not at all, 1 in proportion. It is that of a straight line through the logarithms.
type slope struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"` // with High the 95 % confidence interval of the mean
	High float64 `json:"high"`
}

// slopeOf fits each round on its own, so that the interval tells how far rounds differ.
func slopeOf(sizes []int, rounds [][]float64) slope {
	slopes := make([]float64, len(rounds))
	for i, values := range rounds {
		slopes[i] = logLog(sizes, values)
	}
	m, deviation := meanAndDeviation(slopes)
	half := student95(len(slopes)-1) * deviation / math.Sqrt(float64(len(slopes)))
	return slope{Mean: m, Low: m - half, High: m + half}
}

// logLog is the slope of the least squares line through (log size, log value).
func logLog(sizes []int, values []float64) float64 {
	var x, y, xx, xy float64
	for i, v := range values {
		lx, ly := math.Log(float64(sizes[i])), math.Log(v)
		x, y, xx, xy = x+lx, y+ly, xx+lx*lx, xy+lx*ly
	}
	n := float64(len(values))
	return (n*xy - x*y) / (n*xx - x*x)
}

func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values)-1)
	}
	return mean, math.Sqrt(deviation)
}

// student95 is the two-sided 95 % quantile of Student's t, by the Cornish-Fisher expansion: within 1 % from 5 degrees of freedom on.
func student95(degrees int) float64 {
	const z = 1.959964
	n := float64(degrees)
	return z + (z*z*z+z)/(4*n) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*n*n)
}

func (s slope) String() string { return fmt.Sprintf("%+.3f [%+.3f, %+.3f]", s.Mean, s.Low, s.High) }
