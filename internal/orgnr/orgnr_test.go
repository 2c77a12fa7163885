package orgnr

import "testing"

func TestCheck(t *testing.T) {
	tests := []struct{ country, typed, want string }{
		{"NO", "974760673", "974760673"},
		{"NO", "986252932", "986252932"},
		{"NO", "974683520", "974683520"},
		{"NO", "971526920", "971526920"},
		{"NO", "123456785", "123456785"},
		{"NO", "123456786", ""},
		{"NO", "000000000", ""},
		{"NO", "100000080", ""}, // its check digit would be 10
		{"SE", "556012-5790", "556012-5790"},
		{"SE", "SE 2021005489", "202100-5489"},
		{"SE", "5560125791", ""},
		{"DK", "22756214", "22756214"},
		{"DK", "DK24256790", "24256790"},
		{"DK", "24256791", ""},
		{"DK", "00000000", ""},
		{"FI", "0112038-9", "0112038-9"},
		{"FI", "FI19274001", "1927400-1"},
		{"FI", "0112038-8", ""},
		{"FI", "0000000-0", ""},
		{"EE", "12345678", ""},
	}
	for _, tt := range tests {
		got, err := Check(tt.country, tt.typed)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s %s: got %q, %v, want %q", tt.country, tt.typed, got, err, tt.want)
		}
	}
}

func TestGLN(t *testing.T) {
	for s, want := range map[string]bool{
		"5798000416642": true, "5790000435975": true, "5790000436057": true,
		"5798000416640": false, "579800041664": false, "57980004166421": false, "": false, "579800041664x": false,
	} {
		if got := CheckGLN(s) == nil; got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

// Every single wrong digit must show; that is what check digits are for.
func TestOneWrongDigitShows(t *testing.T) {
	for code, number := range map[string]string{"NO": "974760673", "SE": "5560125790", "DK": "22756214", "FI": "01120389"} {
		for i := range number {
			for digit := '0'; digit <= '9'; digit++ {
				typed := number[:i] + string(digit) + number[i+1:]
				if _, err := Check(code, typed); (err == nil) != (typed == number) {
					t.Errorf("%s %s: got %v", code, typed, err)
				}
			}
		}
	}
}
