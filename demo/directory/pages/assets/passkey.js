// Asks the browser for a passkey and sends what it answers as a field of the form.
for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', async (event) => {
    if (form.elements.response.value !== '') return;
    event.preventDefault();
    const message = form.querySelector('[role=status]');
    try {
      const options = JSON.parse(form.dataset.options);
      const credential =
        form.dataset.passkey === 'create'
          ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
            })
          : await navigator.credentials.get({
              publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
            });
      form.elements.response.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      message.textContent = 'The browser gave no passkey. Try again, or use a code.';
    }
  });
}
