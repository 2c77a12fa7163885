package kernel

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"github.com/ombruk/ombruk/internal/mmc"
)

// mmcIocCmd is struct mmc_ioc_cmd of linux/mmc/ioctl.h.
type mmcIocCmd struct {
	writeFlag      int32
	isACMD         int32
	opcode         uint32
	arg            uint32
	response       [4]uint32
	flags          uint32
	blksz          uint32
	blocks         uint32
	postsleepMinUs uint32
	postsleepMaxUs uint32
	dataTimeoutNs  uint32
	cmdTimeoutMs   uint32
	_              uint32
	dataPtr        uint64
}

const (
	mmcIocMultiCmd = 0xc008b301
	mmcMaxCommands = 255       // MMC_IOC_MAX_CMDS
	mmcMaxBytes    = 512 << 10 // MMC_IOC_MAX_BYTES, of one command
	mmcCmdBytes    = int(unsafe.Sizeof(mmcIocCmd{}))
)

type mmcIssuer struct{ f *os.File }

// MMC sends commands to an opened eMMC or SD card (the whole card, no
// partition) with MMC_IOC_MULTI_CMD. It needs the capability CAP_SYS_RAWIO.
// Memory is copied, so that a sequence whose context has ended (see
// [ErrLeftBehind]) touches nothing of the caller's.
func MMC(f *os.File) mmc.Issuer { return mmcIssuer{f} }

// Sequence implements mmc.Issuer. Beside an error there are the responses that
// came before it, those after it zero.
func (s mmcIssuer) Sequence(ctx context.Context, commands ...mmc.Command) ([]mmc.Response, error) {
	if len(commands) == 0 || len(commands) > mmcMaxCommands {
		return nil, fmt.Errorf("MMC commands on %s: %d in a sequence, 1 to %d go", s.f.Name(), len(commands), mmcMaxCommands)
	}
	what := fmt.Sprintf("MMC command %d on %s", commands[0].Opcode, s.f.Name())
	m := new(memory)
	// struct mmc_ioc_multi_cmd: the number, then the commands.
	block := m.buffer(8 + len(commands)*mmcCmdBytes)
	binary.NativeEndian.PutUint64(block, uint64(len(commands)))
	asked := unsafe.Slice((*mmcIocCmd)(unsafe.Pointer(&block[8])), len(commands))
	data := make([][]byte, len(commands))
	for i, c := range commands {
		size := len(c.Data)
		if size > mmcMaxBytes || size > 0 && (c.BlockBytes == 0 || size%int(c.BlockBytes) != 0) {
			m.release()
			return nil, fmt.Errorf("MMC command %d on %s: %d bytes in blocks of %d do not go", c.Opcode, s.f.Name(), size, c.BlockBytes)
		}
		data[i] = m.copyOf(c.Data)
		asked[i] = mmcIocCmd{
			writeFlag: flag(c.Write), isACMD: flag(c.Application), opcode: c.Opcode, arg: c.Argument, flags: c.Flags,
			cmdTimeoutMs: milliseconds(c.Timeout), dataPtr: uint64(address(data[i])),
		}
		if size > 0 {
			asked[i].blksz, asked[i].blocks = c.BlockBytes, uint32(size)/c.BlockBytes
		}
	}
	responses, err := detached(ctx, what, m, func() ([]mmc.Response, error) {
		err := ioctl(s.f, mmcIocMultiCmd, unsafe.Pointer(&block[0]))
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		responses := make([]mmc.Response, len(asked))
		for i := range asked {
			responses[i] = asked[i].response
		}
		return responses, err
	})
	if err != nil {
		return responses, err
	}
	for i, c := range commands {
		if !c.Write {
			copy(c.Data, data[i])
		}
	}
	return responses, nil
}

func flag(set bool) int32 {
	if set {
		return 1
	}
	return 0
}
