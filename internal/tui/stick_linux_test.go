package tui

import "github.com/ombruk/ombruk/internal/lang"

func (w *fakeWork) ChooseStick(string) {}

func (w *fakeWork) Speak(*lang.Text) {}
