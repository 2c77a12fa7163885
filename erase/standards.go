package erase

// Standard is one entry of the table a customer chooses from.
type Standard struct {
	ID string
}

// Pattern is what one overwriting pass writes.
type Pattern struct{}
