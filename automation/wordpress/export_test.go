package wordpress

// PictureMarker is a picture's slug in the library.
var PictureMarker = pictureMarker
