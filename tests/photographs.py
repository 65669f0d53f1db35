"""The photographs that come with scikit-image, by short names."""

BUNDLED = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "grass": "grass.png",
    "rocket": "rocket.jpg",
}
