"""SIGINT becomes KeyboardInterrupt only while code of a cell runs and no frame is half written."""
import sys

import _signal

_set_trace, _set_profile = sys.settrace, sys.setprofile
_modules = sys.modules
# The C functions: those of `signal` make an enum of every answer.
_signal_to, _getsignal, _mask = _signal.signal, _signal.getsignal, _signal.pthread_sigmask
_setitimer, _set_wakeup, _kill_thread = _signal.setitimer, _signal.set_wakeup_fd, _signal.pthread_kill
_SET, _INTERRUPT = _signal.SIG_SETMASK, _signal.SIGINT
_TIMERS = [_signal.ITIMER_REAL, _signal.ITIMER_VIRTUAL, _signal.ITIMER_PROF]
# A cell may empty the module of builtins.
_Anything, _Interrupt, _Failures = BaseException, KeyboardInterrupt, (OSError, ValueError)


class Interrupts:
    def __init__(self):
        self.active = False
        self.held = 0
        self.pending = False
        self.message = "the cell was stopped"
        _signal_to(_INTERRUPT, self.handle)
        handlers = ((int(number), _getsignal(number)) for number in _signal.valid_signals())
        self.original = [(number, handler) for number, handler in handlers if handler is not None]

    def handle(self, _number, _frame):
        if self.active and not self.held:
            raise _Interrupt(self.message)
        self.pending = True

    def raise_pending(self):
        if self.pending and self.active and not self.held:
            self.pending = False
            raise _Interrupt(self.message)

    def interrupt_main(self, identity):
        """From another thread; where the host cannot send a signal."""
        _kill_thread(identity, _INTERRUPT)

    def guarded(self, function, *arguments):
        """(result, None) or (None, the exception), whatever the code of a cell raises."""
        try:
            try:
                self.held = 0
                self.pending = False
                self.active = True
                result = function(*arguments)
            finally:
                self.active = False
                try:
                    # Before any call of the runner: these would see it, and could raise in it.
                    _set_trace(None)
                    _set_profile(None)
                except _Anything:
                    _set_profile(None)
            return result, None
        except _Anything as error:
            self.active = False
            return None, error

    def restore(self):
        """Takes back the handlers, masks and timers that a cell may have set."""
        if _getsignal(_INTERRUPT) != self.handle:
            _signal_to(_INTERRUPT, self.handle)
        if "signal" not in _modules:
            # Most cells never import it; one that finds another way to them harms its own session only.
            return
        for number, handler in self.original:
            if _getsignal(number) is not handler:
                try:
                    _signal_to(number, handler)
                except _Failures:
                    pass
        _mask(_SET, ())
        _set_wakeup(-1)
        for timer in _TIMERS:
            _setitimer(timer, 0)
