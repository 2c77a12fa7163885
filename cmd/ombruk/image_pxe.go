package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/internal/bootusb"
)

func newImagePXE(a *app) *cobra.Command {
	f := new(imageFlags)
	cmd := &cobra.Command{
		Use:   "pxe DIR",
		Short: "Make the files of a network start",
		Long: `Makes a folder with what a network start of the same system takes: kernel,
initramfs, settings, a script for iPXE, and shim and GRUB for machines with
Secure Boot on. README.txt in it says how to serve them. ombruk itself opens no
port and fetches nothing over the network.

The flags are those of 'ombruk image build'. A machine that was started so has
no stick: plug one in for its records (any stick made with 'ombruk image build').

The settings hold the station's key, and whoever can fetch them can read it:
serve them in a network of the workshop alone.

Exit status: 0 made; 1 error; 5 refused, DIR is there and not empty; 64 usage;
130 cancelled.`,
		Example: `  ombruk image pxe /srv/tftp/ombruk --unattended --policy depot.yaml`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.imagePXE(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	return cmd
}

// imagePXE does the whole of `ombruk image pxe`.
func (a *app) imagePXE(parent context.Context, f *imageFlags, dir string) error {
	if err := mustBeNew(f.sbom); err != nil {
		return err
	}
	switch left, err := os.ReadDir(dir); {
	case len(left) > 0:
		return fail(exitRefused, "empty it, or choose another", fmt.Errorf("refused: the folder %s is not empty", dir))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fail(exitUsage, "name a folder", err)
	}
	ctx, cancel := a.interruptible(parent, func() { a.note("stopping") })
	defer cancel()
	o, s, err := a.stickOptions(ctx, f)
	if err != nil {
		return err
	}
	r, err := bootusb.WritePXE(ctx, dir, o, a.step)
	if err != nil {
		return buildFail(err)
	}
	if err := writeSBOM(f.sbom, r.SBOM); err != nil {
		return err
	}
	if a.flags.json {
		return a.emit(struct {
			Type   string `json:"type"`
			Schema int    `json:"schema"`
			Folder string `json:"folder"`
			imageFacts
		}{"pxe", 1, dir, factsOf(o, s, r)})
	}
	a.say("%s: files of a network start; README.txt says how to serve them", oneLine(dir))
	facts := factsOf(o, s, r)
	facts.WhyNoBIOS = "" // README.txt tells how a BIOS starts it
	a.showFacts(facts)
	return nil
}
