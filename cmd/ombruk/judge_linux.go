package main

import (
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory/grade"
)

// judge gives the judgement on the units of a job: by its policy, and by what
// the contract asks for where there is one.
func (a *app) judge(p policy.Policy) (func(grade.Facts) grade.Result, error) {
	var market grade.Market
	if a.flags.contract != "" {
		var err error
		if market, err = a.market(); err != nil {
			return nil, err
		}
	}
	return func(f grade.Facts) grade.Result { return grade.Judge(f, p.Grading, market) }, nil
}
