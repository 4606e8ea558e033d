"""SIGINT becomes KeyboardInterrupt only while code of a cell runs and no frame is half written."""
import signal
import sys

_set_trace, _set_profile = sys.settrace, sys.setprofile
_signal, _getsignal, _mask = signal.signal, signal.getsignal, signal.pthread_sigmask
_setitimer, _alarm = signal.setitimer, signal.alarm
_SET, _TIMERS = signal.SIG_SETMASK, (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_INTERRUPT = signal.SIGINT


class Interrupts:
    def __init__(self):
        self.active = False
        self.held = 0
        self.pending = False
        self.message = "the cell was stopped"
        _signal(_INTERRUPT, self.handle)
        self.original = {number: _getsignal(number) for number in signal.valid_signals()}

    def handle(self, _number, _frame):
        if self.active and not self.held:
            raise KeyboardInterrupt(self.message)
        self.pending = True

    def raise_pending(self):
        if self.pending and self.active and not self.held:
            self.pending = False
            raise KeyboardInterrupt(self.message)

    def guarded(self, function, *arguments):
        """(result, None) or (None, the exception), whatever the code of a cell raises."""
        try:
            try:
                self.pending = False
                self.active = True
                result = function(*arguments)
            finally:
                self.active = False
                try:
                    # Before any call of the runner: these would see it, and could raise in it.
                    _set_trace(None)
                    _set_profile(None)
                except BaseException:
                    _set_profile(None)
            return result, None
        except BaseException as error:
            self.active = False
            return None, error

    def restore(self):
        """Takes back the handlers, masks and timers that a cell may have set."""
        for number, handler in self.original.items():
            if _getsignal(number) is not handler and handler is not None:
                try:
                    _signal(number, handler)
                except (OSError, ValueError):
                    pass
        _mask(_SET, ())
        for timer in _TIMERS:
            _setitimer(timer, 0)
        _alarm(0)
