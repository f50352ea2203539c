package metric

// Line is the logistic regression of the labels on z, label = sigmoid(slope·z + intercept), as [Calibration] has it: NaN where it has no finite answer. Rows.Probability is not
// looked at. It gives an error where Rows.Check does.
func Line(r Rows) (slope, intercept float64, err error) {
	r.Probability = nil
	if err := r.Check(); err != nil {
		return 0, 0, err
	}
	fit := r.recalibrate(false)
	return fit.slope, fit.intercept, nil
}
