package term

import (
	"errors"
	"os"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
	xterm "golang.org/x/term"
)

// inForeground: a Windows console has no background.
func inForeground(*os.File) bool { return true }

// hush throws away, at its end, what was not read. Reading the console's
// events shows nothing of them and leaves its modes alone, Ctrl-C too.
func hush(in *os.File) (release func(), err error) {
	console := windows.Handle(in.Fd())
	return func() { _ = windows.FlushConsoleInputBuffer(console) }, nil
}

// readHidden reads a line without echo.
func readHidden(in *os.File) (string, error) {
	b, err := xterm.ReadPassword(int(in.Fd()))
	return string(b), err
}

// keyEvent is an INPUT_RECORD that holds a KEY_EVENT_RECORD.
type keyEvent struct {
	kind                           uint16
	_                              uint16
	down                           int32
	repeat, virtualKey, scan, char uint16
	control                        uint32
}

const isKeyEvent = 1

// readSoon returns what comes within d, which may be nothing.
func readSoon(in *os.File, d time.Duration) ([]byte, error) {
	console := windows.Handle(in.Fd())
	come, err := windows.WaitForSingleObject(console, uint32(d.Milliseconds()))
	if err != nil {
		return nil, err
	}
	if come != windows.WAIT_OBJECT_0 {
		return nil, nil
	}
	readConsoleInput := windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")
	var events [512]keyEvent
	var n uint32
	ok, _, err := readConsoleInput.Call(uintptr(console), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(&n)))
	if ok == 0 {
		return nil, errors.Join(ErrNoAnswer, err)
	}
	var text []uint16
	for _, e := range events[:min(int(n), len(events))] {
		if e.kind == isKeyEvent && e.down != 0 && e.char != 0 {
			text = append(text, e.char)
		}
	}
	return []byte(string(utf16.Decode(text))), nil
}
