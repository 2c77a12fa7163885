package erase

import "github.com/ombruk/ombruk/inventory"

// Plan is the ordered work for one drive, decided before anything is touched.
type Plan struct {
	Drive    inventory.Drive
	Standard Standard
	// Requested is the standard's method; Accepted is the least the customer
	// settles for and AcceptedBy says who lowered it ("order" when nobody did).
	Requested  Method
	Accepted   Method
	AcceptedBy string
	// Steps in the order in which they run.
	Steps []Step
	// Achieves is the method the plan reaches when every step succeeds.
	Achieves  Method
	Technique Technique
	// Reference is the sentence printed beside the achieved method.
	Reference string
	Verify    VerifyMode
	// Why explains the choices in English sentences, for a technician.
	Why []string
	// Fallbacks are what else could be ordered, strongest first.
	Fallbacks []Fallback
}

// Step is one step of a plan.
type Step struct {
	Technique Technique `json:"technique"`
	// Pattern is what an overwriting step writes.
	Pattern Pattern `json:"-"`
	Title   string  `json:"title"`
	// Verify is set on the read-back step only.
	Verify VerifyMode `json:"verify,omitempty"`
	Bytes  int64      `json:"bytes"`
}

// Fallback is another standard or technique and the method it would reach.
type Fallback struct {
	Standard  string    `json:"standard"`
	Technique Technique `json:"technique"`
	Method    Method    `json:"method"`
	Why       string    `json:"why"`
}
