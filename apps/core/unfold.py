"""The admin theme's classes. The one module that imports the theme.

For the type checker they are the ones of Django that they extend: the theme has no types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias, TypeVar

    from django import forms
    from django.contrib import admin
    from django.contrib.admin import AdminSite
    from django.contrib.admin.views.main import ChangeList
    from django.contrib.auth import forms as auth_forms

    ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
    StackedInline: TypeAlias = admin.StackedInline[Any, Any]
    TabularInline: TypeAlias = admin.TabularInline[Any, Any]
    InlineModelAdmin: TypeAlias = admin.options.InlineModelAdmin[Any, Any]
    ModelForm: TypeAlias = forms.ModelForm[Any]
    InlineFormSet: TypeAlias = forms.BaseInlineFormSet[Any, Any, Any]
    UserCreationForm: TypeAlias = auth_forms.UserCreationForm[Any]
    UserChangeForm: TypeAlias = auth_forms.UserChangeForm[Any]
    AdminPasswordChangeForm: TypeAlias = auth_forms.AdminPasswordChangeForm[Any]
    Checkbox = forms.CheckboxInput
    Number = forms.NumberInput
    Password = forms.PasswordInput
    Select = forms.Select
    SelectMultiple = forms.SelectMultiple
    Switch = forms.CheckboxInput
    Textarea = forms.Textarea
    TextInput = forms.TextInput

    _Function = TypeVar("_Function", bound=Callable[..., Any])

    def action(
        *,
        description: str,
        permissions: Iterable[str] | None = None,
        url_path: str | None = None,
        icon: str | None = None,
        attrs: Mapping[str, Any] | None = None,
    ) -> Callable[[_Function], _Function]: ...

    def display(
        *,
        description: str | None = None,
        ordering: str | None = None,
        boolean: bool | None = None,
        label: bool | Mapping[str, str] | None = None,
        header: bool | None = None,
        empty_value: str | None = None,
    ) -> Callable[[_Function], _Function]: ...
else:
    from django.contrib.admin.options import InlineModelAdmin
    from django.forms import BaseInlineFormSet as InlineFormSet
    from django.forms import ModelForm
    from unfold.admin import ModelAdmin, StackedInline, TabularInline
    from unfold.decorators import action, display
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
    from unfold.sites import UnfoldAdminSite as AdminSite
    from unfold.views import ChangeList
    from unfold.widgets import UnfoldAdminIntegerFieldWidget as Number
    from unfold.widgets import UnfoldAdminPasswordWidget as Password
    from unfold.widgets import UnfoldAdminSelectMultipleWidget as SelectMultiple
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput
    from unfold.widgets import UnfoldBooleanSwitchWidget as Switch
    from unfold.widgets import UnfoldBooleanWidget as Checkbox

__all__ = [
    "AdminPasswordChangeForm",
    "AdminSite",
    "ChangeList",
    "Checkbox",
    "InlineFormSet",
    "InlineModelAdmin",
    "ModelAdmin",
    "ModelForm",
    "Number",
    "Password",
    "Select",
    "SelectMultiple",
    "StackedInline",
    "Switch",
    "TabularInline",
    "TextInput",
    "Textarea",
    "UserChangeForm",
    "UserCreationForm",
    "action",
    "display",
]
