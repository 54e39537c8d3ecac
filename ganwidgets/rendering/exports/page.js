// Shows one moment of the run at a time, chosen by the slider; the iteration is the slider's spoken value.
(() => {
  const scrub = document.querySelector(".scrub");
  const film = document.querySelector(".film");
  const slider = scrub.querySelector("input");
  const figures = [...film.children];
  const show = () => {
    figures.forEach((figure, number) => figure.classList.toggle("shown", number === Number(slider.value)));
    slider.setAttribute("aria-valuetext", figures[slider.value].querySelector("figcaption").textContent);
  };
  film.classList.add("one");
  scrub.hidden = false;
  slider.addEventListener("input", show);
  show();
})();
