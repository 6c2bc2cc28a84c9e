"""Functions of other people's classes and modules that do something else for a server's code, and for nobody else.

Whoever is not a server's code finds the very function that was there before. So no frame of ours stands in a cell's
traceback, and `warnings.warn(…, stacklevel=2)` counts as ever.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from wslab.serving.ownership import current_owner


class Switch:
    """An attribute of a class. Read on an object of that class by a server's code, it is the replacement.

    It is a data descriptor (it has `__set__`), so it comes before an attribute of the object itself: IPython gives
    `sys.stdout` a `write` of its own for each cell. Source: Python Language Reference, “Invoking Descriptors”.
    """

    def __init__(
        self,
        holder: type,
        name: str,
        replacement: Callable[..., Any],
        applies: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        """Nothing is replaced yet.

        Args:
            holder: the class.
            name: of its method. A class that has no such method is left alone.
            replacement: is called with the current owner, the object and the method that it replaces in front of the
                method's own arguments.
            applies: says whether it is meant for this object of the class.
        """
        self._holder = holder
        self._name = name
        self._replacement = replacement
        self._applies = applies
        self._before: dict[str, Any] = {}
        self._is_put = False

    def _of_class(self, instance: Any, holder: type | None) -> Any:
        """What the class would have given if this were not here."""
        found = self._before.get(self._name)
        if found is None:
            return getattr(super(self._holder, holder if instance is None else instance), self._name)
        return found.__get__(instance, holder) if hasattr(found, "__get__") else found

    def __get__(self, instance: Any, holder: type | None = None) -> Any:
        if instance is None:
            return self._of_class(None, holder)
        own = vars(instance).get(self._name)
        found = own if own is not None else self._of_class(instance, holder)
        owner = current_owner()
        if owner is None or not self._applies(instance):
            return found
        return functools.partial(self._replacement, owner, instance, found)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value

    def __delete__(self, instance: Any) -> None:
        if vars(instance).pop(self._name, None) is None:
            raise AttributeError(self._name)

    def put(self) -> None:
        """Replace the method; calling it again changes nothing, also where somebody else's method is on top by now.

        Raises:
            TypeError: the class is written in C and takes no attributes.
        """
        if self._is_put:
            return
        self._is_put = True
        own = vars(self._holder)
        if own.get(self._name) is not self and hasattr(self._holder, self._name):
            self._before = {self._name: own[self._name]} if self._name in own else {}
            setattr(self._holder, self._name, self)

    def remove(self) -> None:
        """Put the original back. Where somebody else's method is on top it stays there, and this one below it."""
        self._is_put = False
        if vars(self._holder).get(self._name) is self:
            delattr(self._holder, self._name)
            for name, original in self._before.items():
                setattr(self._holder, name, original)


class ModuleSwitch:
    """The same for functions of a module, whose class is another one meanwhile.

    Source: Python Language Reference, “Customizing module attribute access”.
    """

    def __init__(self, module: ModuleType, **replacements: Callable[..., Any]) -> None:
        """Nothing is replaced yet.

        Args:
            module: the module.
            replacements: by the name of the function; called as those of a `Switch` are.
        """
        self._module = module
        self._class = type(module)
        self._switched = type(self._class.__name__, (self._class,), {})
        for name, replacement in replacements.items():
            if hasattr(module, name):
                setattr(self._switched, name, Switch(self._switched, name, replacement))

    def put(self) -> None:
        """Replace the functions."""
        if type(self._module) is self._class:
            self._module.__class__ = self._switched

    def remove(self) -> None:
        """Put the originals back."""
        if type(self._module) is self._switched:
            self._module.__class__ = self._class
