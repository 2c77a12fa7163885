package stick

import "testing"

// The settings are read only after their seal has been checked, so they are
// reached here without one.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"schema":1,"built":"2026-03-02T09:30:00Z","version":"1","language":"nb","keyboard":"nb","standard":"","agency":"","order":"","unattended":false,"bench":false}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(data)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode(again); err != nil || !back.Built.Equal(s.Built) || back.Language != s.Language {
			t.Errorf("got %+v, %v, want %+v", back, err, s)
		}
	})
}
