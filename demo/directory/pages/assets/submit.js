// Hands the signed answer to the application; without scripts, the button does.
document.querySelector('form').submit();
