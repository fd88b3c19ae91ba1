package term

import "sync"

// held are the terminals whose modes are not as they were found, and what puts
// them back. It is the process's, as terminals are: who ends the process at
// once knows nothing of who changed one.
var held struct {
	mu      sync.Mutex
	restore map[int]func()
}

// holdTerminal notes how to put a terminal back; release does it, once.
func holdTerminal(fd int, restore func()) (release func()) {
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.restore == nil {
		held.restore = map[int]func(){}
	}
	held.restore[fd] = restore
	return func() { restoreHeld(fd) }
}

func restoreHeld(fd int) {
	held.mu.Lock()
	defer held.mu.Unlock()
	if restore := held.restore[fd]; restore != nil {
		restore()
		delete(held.restore, fd)
	}
}

// Restore puts every terminal back as it was found. It is for a process that
// ends without unwinding.
func Restore() {
	held.mu.Lock()
	defer held.mu.Unlock()
	for fd, restore := range held.restore {
		restore()
		delete(held.restore, fd)
	}
}
